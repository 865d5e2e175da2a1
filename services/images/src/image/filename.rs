//! The name of a picture.

use aip::Violation;

use crate::format::Format;

/// The longest name, in characters.
const MAX_CHARACTERS: usize = 255;

/// A name to show and to save under: 1 to 255 characters of any script, no path separator, no control character, not
/// `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filename(String);

impl Filename {
    /// The name that `field` holds; of a path (some clients send one) only the last segment is kept.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        if text.chars().any(char::is_control) {
            return Err(Violation::new(field, "must not hold control characters"));
        }
        let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
        if matches!(name, "" | "." | "..") {
            return Err(Violation::new(field, "must name a file"));
        }
        if name.chars().count() > MAX_CHARACTERS {
            return Err(Violation::new(field, format!("must be 1 to {MAX_CHARACTERS} characters")));
        }
        Ok(Self(name.to_owned()))
    }

    /// The name of a picture that came without one.
    pub(crate) fn of_format(format: Format) -> Self {
        Self(format!("image.{}", format.extension()))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Filename> for String {
    fn from(name: Filename) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        Filename::parse("filename", text).map(String::from).map_err(|violation| violation.description)
    }

    #[test]
    fn only_the_last_segment_of_a_path_is_kept() {
        for text in ["cat.jpg", "/srv/cat.jpg", "../../cat.jpg", r"C:\pictures\cat.jpg", r"a/b\cat.jpg"] {
            assert_eq!(parse(text).as_deref(), Ok("cat.jpg"), "{text}");
        }
    }

    #[test]
    fn every_script_is_kept_as_it_is() {
        for text in ["猫.png", "Straße 12.tif", "e\u{301}.gif", "🐈.webp", " .bmp"] {
            assert_eq!(parse(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn names_that_name_nothing_are_refused() {
        for text in ["", "/", "a/", "..", "a/..", r"..\", "."] {
            assert_eq!(parse(text), Err("must name a file".to_owned()), "{text}");
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for text in ["a\0.jpg", "a\n.jpg", "\u{7f}.jpg", "\u{85}.jpg", "\0/cat.jpg"] {
            assert_eq!(parse(text), Err("must not hold control characters".to_owned()), "{text:?}");
        }
    }

    #[test]
    fn the_limit_is_255_characters_of_any_width() {
        assert!(parse(&"猫".repeat(255)).is_ok());
        assert_eq!(parse(&"猫".repeat(256)), Err("must be 1 to 255 characters".to_owned()));
    }
}
