//! The name of a picture.

use aip::{Violation, plain_text};

use crate::format::Format;

/// The longest name, in characters.
const MAX_CHARACTERS: usize = 255;

/// A name to show and to save under: 1 to 255 characters of any script that can be shown in a line ([`plain_text`]), no path
/// separator, not `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filename(String);

impl Filename {
    /// The name that `field` holds; of a path (some clients send one) only the last segment is kept.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        let text = plain_text(field, text)?;
        let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
        if matches!(name, "" | "." | "..") {
            return Err(Violation::new(field, "must name a file"));
        }
        if name.chars().count() > MAX_CHARACTERS {
            return Err(Violation::new(field, format!("must be 1 to {MAX_CHARACTERS} characters")));
        }
        Ok(Self(name.to_owned()))
    }

    /// A name that was stored, perhaps before [`plain_text`] was the rule.
    pub(crate) fn stored(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The name to save a picture of this format under. Systems open a file as its extension says, so a name that ends
    /// otherwise gets the format's: in the place of another picture format's, behind anything else.
    pub(crate) fn for_download(&self, format: Format) -> String {
        let stem = match self.0.rsplit_once('.') {
            Some((_, extension)) if format.has_extension(extension) => return self.0.clone(),
            Some((stem, extension)) if !stem.is_empty() && Format::is_extension(extension) => stem,
            _ => &self.0,
        };
        let extension = format.extension();
        let room = MAX_CHARACTERS.saturating_sub(extension.len() + 1);
        let stem: String = stem.chars().take(room).collect();
        format!("{stem}.{extension}")
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
    fn a_download_has_the_extension_of_what_it_is() {
        for (name, saved) in [
            ("cat.jpg", "cat.jpg"),
            ("cat.JPEG", "cat.JPEG"),
            ("cat.png", "cat.jpg"),
            ("cat", "cat.jpg"),
            ("cat.html", "cat.html.jpg"),
            ("cat.jpg.exe", "cat.jpg.exe.jpg"),
            ("cat v1.2", "cat v1.2.jpg"),
            (".png", ".png.jpg"),
            ("cat.", "cat..jpg"),
        ] {
            let name = Filename::parse("filename", name).unwrap();
            assert_eq!(name.for_download(Format::Jpeg), saved);
        }
        let long = Filename::parse("filename", &"猫".repeat(255)).unwrap();
        assert_eq!(long.for_download(Format::Tiff), format!("{}.tiff", "猫".repeat(250)));
    }

    #[test]
    fn what_changes_the_direction_of_text_is_refused_and_read_where_it_is_stored() {
        let name = "cat\u{202e}gnp.exe";
        let rule = "must not hold characters that change the direction of text".to_owned();
        assert_eq!(parse(name), Err(rule));
        assert_eq!(Filename::stored(name).map(String::from).as_deref(), Some(name));
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
