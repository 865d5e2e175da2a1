//! What a box says: its label, and the model that drew it.

use aip::Violation;

/// The longest label, in characters (Unicode scalar values).
const MAX_LABEL: usize = 100;

/// The longest name of a model, in characters (Unicode scalar values).
const MAX_MODEL: usize = 200;

/// A class name: 1 to 100 characters, none of them a control character. Nothing is trimmed or folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label(String);

impl Label {
    /// The label that `label` holds.
    pub(crate) fn parse(text: String) -> Result<Self, Violation> {
        let count = text.chars().count();
        if !(1..=MAX_LABEL).contains(&count) {
            return Err(Violation::new("label", format!("must be 1 to {MAX_LABEL} characters")));
        }
        without_control_characters("label", text).map(Self)
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

/// A model's name and version: at most 200 characters, none of them a control character; empty where a person drew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Model(String);

impl Model {
    /// The model that `model` holds.
    pub(crate) fn parse(text: String) -> Result<Self, Violation> {
        if text.chars().count() > MAX_MODEL {
            return Err(Violation::new("model", format!("must be at most {MAX_MODEL} characters")));
        }
        without_control_characters("model", text).map(Self)
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

/// They would break exports that are lines of text, and NUL ends a text early in some databases.
fn without_control_characters(field: &str, text: String) -> Result<String, Violation> {
    if text.chars().any(char::is_control) {
        return Err(Violation::new(field, "must not hold control characters"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_1_to_100_characters_of_any_width() {
        for text in ["a", "traffic light", " ", &"x".repeat(100), &"車".repeat(100), &"🚗".repeat(100)] {
            assert_eq!(Label::parse(text.to_owned()).map(String::from).as_deref(), Ok(text));
        }
        for text in ["", &"x".repeat(101), &"車".repeat(101)] {
            let violation = Label::parse(text.to_owned()).unwrap_err();
            assert_eq!(violation, Violation::new("label", "must be 1 to 100 characters"));
        }
    }

    #[test]
    fn a_model_has_at_most_200_characters_of_any_width() {
        for text in ["", "yolo11x 8.3", &"m".repeat(200), &"型".repeat(200)] {
            assert_eq!(Model::parse(text.to_owned()).map(String::from).as_deref(), Ok(text));
        }
        for text in ["m".repeat(201), "型".repeat(201)] {
            let violation = Model::parse(text).unwrap_err();
            assert_eq!(violation, Violation::new("model", "must be at most 200 characters"));
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for text in ["\0", "car\n", "a\tb", "\u{7f}", "\u{85}"] {
            let phrase = "must not hold control characters".to_owned();
            assert_eq!(Label::parse(text.to_owned()).unwrap_err().description, phrase, "{text:?}");
            assert_eq!(Model::parse(text.to_owned()).unwrap_err().description, phrase, "{text:?}");
        }
    }
}
