//! Headers between the runtime's form and this side's, as texts. Not by the library's own conversions, which panic where a
//! value is more than ASCII.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header::GetAll};
use worker::Error;

/// Room for a name and a value of usual length.
const USUAL_BYTES: usize = 64;

/// Room for as many headers as a request usually has.
const USUAL_COUNT: usize = 16;

/// `map` as JSON: a plain object, of which the runtime makes its headers once. Values of one name become one, separated by
/// commas (RFC 9110 section 5.3).
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

/// The headers of which `lines` tell the name and the value in turn; both lie within `text`, and are not copied.
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
    fn values_of_one_name_become_one() {
        let mut map = HeaderMap::new();
        for (name, value) in [("vary", "accept"), ("etag", "\"a\""), ("vary", "origin")] {
            map.append(name, HeaderValue::from_static(value));
        }
        assert_eq!(to_json(&map).unwrap(), r#"{"vary":"accept, origin","etag":"\"a\""}"#);
    }

    #[test]
    fn names_and_values_come_in_turn_and_values_may_be_empty_or_more_than_ascii() {
        let map = read("accept\n\nx-name\nZoë").unwrap();
        assert_eq!(map["accept"], "");
        assert_eq!(map["x-name"].as_bytes(), "Zoë".as_bytes());
        assert_eq!(map.len(), 2);
    }

    #[test]
    fn there_may_be_none() {
        assert!(read("").unwrap().is_empty());
        assert_eq!(to_json(&HeaderMap::new()).unwrap(), "{}");
    }

    #[test]
    fn what_is_no_header_is_refused() {
        assert!(read("a b\nvalue").is_err());
    }
}
