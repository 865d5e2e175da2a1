//! The texts of an annotation: its label, and the name of the model that made it.

use aip::{Violation, plain_text};

/// The longest label, in characters (Unicode scalar values).
pub(crate) const MAX_LABEL: usize = 100;

/// The longest name of a model, in characters (Unicode scalar values).
pub(crate) const MAX_MODEL: usize = 200;

/// A class name: 1 to 100 characters that can be displayed in one line ([`plain_text`]). It is stored unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label(String);

impl Label {
    /// Parses the value of the field `label`.
    pub(crate) fn parse(text: String) -> Result<Self, Violation> {
        Self::stored(plain_text("label", text)?)
    }

    /// Checks only the length, for a label that may have been stored before [`plain_text`] was the rule.
    pub(crate) fn stored(text: String) -> Result<Self, Violation> {
        if !(1..=MAX_LABEL).contains(&text.chars().count()) {
            return Err(Violation::new("label", format!("must be 1 to {MAX_LABEL} characters")));
        }
        Ok(Self(text))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

/// A model's name and version: at most 200 characters that can be displayed in one line; empty if a person drew
/// the annotation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Model(String);

impl Model {
    /// Parses the value of the field `model`.
    pub(crate) fn parse(text: String) -> Result<Self, Violation> {
        Self::stored(plain_text("model", text)?)
    }

    /// Checks only the length, for a model that may have been stored before [`plain_text`] was the rule.
    pub(crate) fn stored(text: String) -> Result<Self, Violation> {
        if text.chars().count() > MAX_MODEL {
            return Err(Violation::new("model", format!("must be at most {MAX_MODEL} characters")));
        }
        Ok(Self(text))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Model> for String {
    fn from(model: Model) -> Self {
        model.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_1_to_100_characters() {
        for text in ["a", "traffic light", " ", &"x".repeat(100), &"車".repeat(100), &"🚗".repeat(100)] {
            assert_eq!(Label::parse(text.to_owned()).map(String::from).as_deref(), Ok(text));
        }
        for text in ["", &"x".repeat(101), &"車".repeat(101)] {
            let violation = Label::parse(text.to_owned()).unwrap_err();
            assert_eq!(violation, Violation::new("label", "must be 1 to 100 characters"));
        }
    }

    #[test]
    fn a_model_has_at_most_200_characters() {
        for text in ["", "yolo11x 8.3", &"m".repeat(200), &"型".repeat(200)] {
            assert_eq!(Model::parse(text.to_owned()).map(String::from).as_deref(), Ok(text));
        }
        for text in ["m".repeat(201), "型".repeat(201)] {
            let violation = Model::parse(text).unwrap_err();
            assert_eq!(violation, Violation::new("model", "must be at most 200 characters"));
        }
    }

    #[test]
    fn control_characters_are_rejected() {
        for text in ["\0", "car\n", "a\tb", "\u{7f}", "\u{85}"] {
            let phrase = "must not hold control characters".to_owned();
            assert_eq!(Label::parse(text.to_owned()).unwrap_err().description, phrase, "{text:?}");
            assert_eq!(Model::parse(text.to_owned()).unwrap_err().description, phrase, "{text:?}");
        }
    }

    #[test]
    fn characters_that_change_the_direction_of_text_are_rejected_but_can_be_read_if_stored() {
        let text = || "car\u{202e}".to_owned();
        let phrase = "must not hold characters that change the direction of text";
        assert_eq!(Label::parse(text()).unwrap_err().description, phrase);
        assert_eq!(Model::parse(text()).unwrap_err().description, phrase);
        assert_eq!(Label::stored(text()).map(String::from), Ok(text()));
        assert_eq!(Model::stored(text()).map(String::from), Ok(text()));
    }
}
