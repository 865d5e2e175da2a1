//! Percent-decoding (RFC 3986 section 2.1). Each escape is decoded exactly once.

use std::borrow::Cow;

/// The part of a URL that a text was taken from. It decides what stays encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// One path segment: every escape is decoded.
    Segment,
    /// Several path segments: `%2F` stays encoded, because a decoded `/` would be a separator.
    Segments,
    /// A query's name or value: `+` is a space.
    Query,
}

const INVALID_ESCAPE: &str = "has a `%` without two hex digits after it";
const NOT_UTF8: &str = "is not UTF-8 after percent-decoding";

/// Decodes all escapes of the text.
///
/// # Errors
/// What is wrong with the text, as a phrase that follows a field's name.
pub(super) fn decode(raw: &str, part: Part) -> Result<Cow<'_, str>, &'static str> {
    let is_special = |byte| byte == b'%' || (byte == b'+' && part == Part::Query);
    if !raw.bytes().any(is_special) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let (escape, after) = rest.split_first_chunk::<2>().ok_or(INVALID_ESCAPE)?;
                rest = after;
                match hex(*escape).ok_or(INVALID_ESCAPE)? {
                    b'/' if part == Part::Segments => out.extend([b'%', escape[0], escape[1]]),
                    decoded => out.push(decoded),
                }
            }
            b'+' if part == Part::Query => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8(out).map(Cow::Owned).map_err(|_| NOT_UTF8)
}

/// Whether a raw path segment is `literal` after percent-decoding. Allocates no memory.
pub(super) fn matches_literal(raw: &str, literal: &str) -> bool {
    raw == literal || (raw.contains('%') && percent_encoding::percent_decode_str(raw).eq(literal.bytes()))
}

fn hex([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_once() {
        let cases = [
            ("plain", Part::Segment, "plain"),
            ("a%2Fb", Part::Segment, "a/b"),
            ("a%3Ab", Part::Segment, "a:b"),
            ("a%2523b", Part::Segment, "a%23b"),
            ("a%23b", Part::Segment, "a#b"),
            ("a+b", Part::Segment, "a+b"),
            ("caff%C3%A8", Part::Segment, "caffè"),
            ("a%2Fb%2fc%23", Part::Segments, "a%2Fb%2fc#"),
            ("a+b%2B", Part::Query, "a b+"),
        ];
        for (raw, part, decoded) in cases {
            assert_eq!(decode(raw, part).unwrap(), decoded, "{raw}");
        }
    }

    #[test]
    fn invalid_escapes_and_other_encodings_are_rejected() {
        for raw in ["%", "a%2", "%zz", "%+1", "%%20", "%è1"] {
            assert_eq!(decode(raw, Part::Segment), Err(INVALID_ESCAPE), "{raw}");
        }
        for raw in ["%ff", "%C3", "%ED%A0%80"] {
            assert_eq!(decode(raw, Part::Query), Err(NOT_UTF8), "{raw}");
        }
    }

    #[test]
    fn a_literal_matches_with_any_of_its_characters_escaped() {
        assert!(matches_literal("upload", "upload"));
        assert!(matches_literal("%75pl%6Fad", "upload"));
        assert!(matches_literal("caff%c3%a8", "caffè"));
        assert!(!matches_literal("%2575pload", "upload"));
        assert!(!matches_literal("%zz", "upload"));
        assert!(!matches_literal("uploads", "upload"));
    }
}
