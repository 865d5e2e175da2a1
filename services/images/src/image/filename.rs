//! The filename of an image.

use aip::{Violation, plain_text};

use crate::format::Format;

/// The longest filename, in characters.
const MAX_CHARACTERS: usize = 255;

/// A filename: 1 to 255 characters of any script that can be shown in one line ([`plain_text`]), without path separators, and
/// not `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filename(String);

impl Filename {
    /// Decodes the filename in `field`. If it is a path, as some clients send, only the last segment is kept.
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

    /// Reads a stored filename. It may be older than the [`plain_text`] rule, so that is not checked.
    pub(crate) fn stored(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The filename for a download of an image of this format. Operating systems open a file by its extension, so the name must
    /// end with one of this format: it replaces the extension of another image format, and is appended to any other name.
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

    /// The default name of an image that was uploaded without one.
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
    fn text_without_a_file_name_is_rejected() {
        for text in ["", "/", "a/", "..", "a/..", r"..\", "."] {
            assert_eq!(parse(text), Err("must name a file".to_owned()), "{text}");
        }
    }

    #[test]
    fn a_download_has_the_extension_of_its_format() {
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
    fn a_direction_change_is_rejected_in_a_new_name_and_accepted_in_a_stored_one() {
        let name = "cat\u{202e}gnp.exe";
        let rule = "must not hold characters that change the direction of text".to_owned();
        assert_eq!(parse(name), Err(rule));
        assert_eq!(Filename::stored(name).map(String::from).as_deref(), Some(name));
    }

    #[test]
    fn control_characters_are_rejected() {
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
