//! Parses `Range` and `If-Range` (RFC 9110 section 14).

use http::{
    HeaderMap, Method,
    header::{IF_RANGE, RANGE},
};

use transcoding::contract::EntityTag;

/// The part of a file that a client requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The first byte; negative: that many bytes from the end.
    pub(super) offset: i64,
    /// The number of bytes; 0: to the end.
    pub(super) limit: i64,
    /// The entity tag in `If-Range`, without quotes. If the file has another tag, the client wants the whole file.
    pub(super) if_range: Option<String>,
}

/// The part that a request asks for; `None` is the whole file. Several ranges, other units and invalid ranges are ignored,
/// as the standard allows. So is a range whose `If-Range` is a weak tag or a date, because the gateway cannot check it.
pub(super) fn requested(method: &Method, headers: &HeaderMap) -> Option<Part> {
    if method != Method::GET {
        return None;
    }
    let (offset, limit) = parse(headers.get(RANGE)?.to_str().ok()?)?;
    let if_range = match headers.get(IF_RANGE) {
        Some(condition) => Some(EntityTag::parse(condition.to_str().ok()?).filter(|tag| !tag.weak)?.value),
        None => None,
    };
    Some(Part { offset, limit, if_range })
}

fn parse(text: &str) -> Option<(i64, i64)> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    match (first, last) {
        ("", suffix) => match number(suffix)? {
            // The last 0 bytes of a file cannot be satisfied. `-0` would be offset 0, so an offset past any end is used.
            0 => Some((i64::MAX, 0)),
            length => Some((-length, 0)),
        },
        (first, "") => Some((number(first)?, 0)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| (first, (last - first).saturating_add(1)))
        }
    }
}

/// Parses a number of digits only. A number beyond `i64` becomes `i64::MAX`, which is past the end of any file.
fn number(digits: &str) -> Option<i64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn one_range_of_bytes_is_read_and_anything_else_is_ignored() {
        for (text, part) in [
            ("bytes=0-99", (0, 100)),
            ("Bytes=5-5", (5, 1)),
            ("bytes=5-", (5, 0)),
            ("bytes=-5", (-5, 0)),
            ("bytes=-0", (i64::MAX, 0)),
            ("bytes=0-99999999999999999999999", (0, i64::MAX)),
            ("bytes=99999999999999999999999-", (i64::MAX, 0)),
        ] {
            assert_eq!(parse(text), Some(part), "{text}");
        }
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-4",
            "bytes=a-b",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=+1-2",
            "bytes=1-2-3",
            "bytes=--1",
            "bytes= - ",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_condition_that_cannot_be_checked_requests_the_whole_file() {
        let if_range = |condition: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static("bytes=0-9"));
            headers.insert(IF_RANGE, HeaderValue::from_static(condition));
            requested(&Method::GET, &headers).map(|part| part.if_range)
        };
        assert_eq!(if_range("\"tag\""), Some(Some("tag".to_owned())));
        assert_eq!(if_range("W/\"tag\""), None);
        assert_eq!(if_range("Wed, 21 Oct 2015 07:28:00 GMT"), None);
    }
}
