//! Paths of values in a body, as in `annotations[3].label`.

use std::fmt::Write as _;

/// One step into a body.
#[derive(Debug)]
pub(super) enum Segment<'s> {
    /// A field, by its name in the `.proto` file.
    Field(&'s str),
    /// An element of a list.
    Index(usize),
    /// A map's key or an unknown field's name, as the caller wrote it.
    Key(String),
}

/// How many characters of a caller's name an error repeats.
const LONGEST_KEY: usize = 64;

/// The path as text. The path of the body itself is `body`.
pub(super) fn render(path: &[Segment<'_>]) -> String {
    if path.is_empty() {
        return "body".to_owned();
    }
    let mut text = String::new();
    for segment in path {
        if !text.is_empty() && !matches!(segment, Segment::Index(_)) {
            text.push('.');
        }
        match segment {
            Segment::Field(name) => text.push_str(name),
            Segment::Key(key) => push_clipped(&mut text, key),
            // Writing to a string cannot fail.
            Segment::Index(index) => _ = write!(text, "[{index}]"),
        }
    }
    text
}

fn push_clipped(text: &mut String, key: &str) {
    match key.char_indices().nth(LONGEST_KEY) {
        Some((end, _)) => {
            text.push_str(key.get(..end).unwrap_or_default());
            text.push('…');
        }
        None => text.push_str(key),
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_KEY, Segment, render};

    #[test]
    fn a_path_reads_like_code() {
        assert_eq!(render(&[]), "body");
        let path = [Segment::Field("annotations"), Segment::Index(3), Segment::Field("label")];
        assert_eq!(render(&path), "annotations[3].label");
        assert_eq!(render(&[Segment::Field("metadata"), Segment::Key("lens".to_owned())]), "metadata.lens");
    }

    #[test]
    fn a_long_key_is_clipped() {
        let just_fits = "é".repeat(LONGEST_KEY);
        assert_eq!(render(&[Segment::Key(just_fits.clone())]), just_fits);
        assert_eq!(render(&[Segment::Key(format!("{just_fits}é"))]), format!("{just_fits}…"));
    }
}
