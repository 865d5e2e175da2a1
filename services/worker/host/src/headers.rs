//! Converts headers between the runtime and Rust, as text. The conversions of the `worker` library are not used: they panic if
//! a value is not ASCII.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::GetAll};
use worker::Error;

/// The initial capacity for a name and a value.
const USUAL_BYTES: usize = 64;

/// The initial capacity for the headers of a request.
const USUAL_COUNT: usize = 16;

/// Encodes `map` as a JSON object, from which the runtime creates its headers in one step. Values of the same name are joined
/// with commas (RFC 9110 section 5.3).
pub(crate) fn to_json(map: &HeaderMap) -> worker::Result<String> {
    let mut json = Vec::with_capacity(USUAL_BYTES * (1 + map.len()));
    for name in map.keys() {
        json.push(if json.is_empty() { b'{' } else { b',' });
        serde_json::to_writer(&mut json, name.as_str())?;
        json.push(b':');
        serde_json::to_writer(&mut json, &joined(&map.get_all(name)))?;
    }
    if json.is_empty() {
        json.push(b'{');
    }
    json.push(b'}');
    String::from_utf8(json).map_err(malformed)
}

fn joined<'a>(values: &GetAll<'a, HeaderValue>) -> Cow<'a, str> {
    let mut values = values.iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut joined = values.next().unwrap_or_default();
    values.for_each(|value| joined.to_mut().extend([", ", &value]));
    joined
}

/// Reads headers from `lines`, which contain names and values alternately. All lines must be slices of `text`; values are not
/// copied.
pub(crate) fn from_lines<'a>(
    text: &Bytes,
    mut lines: impl Iterator<Item = &'a [u8]>,
) -> worker::Result<HeaderMap> {
    let mut map = HeaderMap::with_capacity(USUAL_COUNT);
    while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
        map.append(
            HeaderName::from_bytes(name).map_err(malformed)?,
            HeaderValue::from_maybe_shared(text.slice_ref(value)).map_err(malformed)?,
        );
    }
    Ok(map)
}

fn malformed(error: impl std::error::Error) -> Error {
    Error::RustError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> worker::Result<HeaderMap> {
        let text = Bytes::from_static(text.as_bytes());
        from_lines(&text, text.split(|byte| *byte == b'\n'))
    }

    #[test]
    fn values_of_the_same_name_are_joined() {
        let mut map = HeaderMap::new();
        for (name, value) in [("vary", "accept"), ("etag", "\"a\""), ("vary", "origin")] {
            map.append(name, HeaderValue::from_static(value));
        }
        assert_eq!(to_json(&map).unwrap(), r#"{"vary":"accept, origin","etag":"\"a\""}"#);
    }

    #[test]
    fn names_and_values_alternate_and_values_may_be_empty_or_not_ascii() {
        let map = read("accept\n\nx-name\nZoë").unwrap();
        assert_eq!(map["accept"], "");
        assert_eq!(map["x-name"].as_bytes(), "Zoë".as_bytes());
        assert_eq!(map.len(), 2);
    }

    #[test]
    fn no_headers_are_valid() {
        assert!(read("").unwrap().is_empty());
        assert_eq!(to_json(&HeaderMap::new()).unwrap(), "{}");
    }

    #[test]
    fn an_invalid_header_is_rejected() {
        assert!(read("a b\nvalue").is_err());
    }
}
