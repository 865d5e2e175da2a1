//! Encodes `Content-Disposition` (RFC 6266), with filenames in any script (RFC 8187).

use http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters to encode: all but those that RFC 8187 leaves unencoded (`attr-char`).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The header of a file that a browser shows, and saves as `filename`. Clients that support only ASCII see `_` for each
/// other character.
pub(super) fn inline(filename: &str) -> HeaderValue {
    const PLAIN: HeaderValue = HeaderValue::from_static("inline");
    if filename.is_empty() {
        return PLAIN;
    }
    let is_plain = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%');
    let ascii: String = filename.chars().map(|c| if is_plain(&c) { c } else { '_' }).collect();
    let text = if ascii == filename {
        format!("inline; filename=\"{ascii}\"")
    } else {
        let encoded = utf8_percent_encode(filename, ENCODED);
        format!("inline; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
    };
    HeaderValue::try_from(text).unwrap_or(PLAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_can_add_anything_else_to_the_header() {
        for (name, header) in [
            ("", "inline"),
            ("cat.jpg", "inline; filename=\"cat.jpg\""),
            ("猫 1.jpg", "inline; filename=\"_ 1.jpg\"; filename*=UTF-8''%E7%8C%AB%201.jpg"),
            ("a\"; x=\"y", "inline; filename=\"a_; x=_y\"; filename*=UTF-8''a%22%3B%20x%3D%22y"),
            ("a\r\nb: c", "inline; filename=\"a__b: c\"; filename*=UTF-8''a%0D%0Ab%3A%20c"),
        ] {
            assert_eq!(inline(name), header);
        }
    }
}
