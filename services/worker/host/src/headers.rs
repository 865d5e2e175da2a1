//! Headers between the runtime's form and this side's, as texts. Not by the library's own conversions, which panic where a
//! value is more than ASCII.

use std::collections::{BTreeMap, btree_map::Entry};

use http::{HeaderMap, HeaderName, HeaderValue};
use worker::Error;

/// `map` as JSON: a plain object, of which the runtime makes its headers once. Values of one name become one, separated by
/// commas (RFC 9110 section 5.3).
pub(crate) fn to_json(map: &HeaderMap) -> worker::Result<String> {
    let mut fields = BTreeMap::new();
    for (name, value) in map {
        let value = String::from_utf8_lossy(value.as_bytes());
        match fields.entry(name.as_str()) {
            Entry::Vacant(first) => drop(first.insert(value)),
            Entry::Occupied(mut before) => before.get_mut().to_mut().extend([", ", &value]),
        }
    }
    Ok(serde_json::to_string(&fields)?)
}

/// The headers of which `text` tells the name and the value in turn, a line each.
pub(crate) fn from_lines(text: &str) -> worker::Result<HeaderMap> {
    let mut map = HeaderMap::with_capacity(text.matches('\n').count().div_ceil(2));
    let mut lines = text.split('\n');
    while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
        map.append(
            HeaderName::try_from(name).map_err(malformed)?,
            HeaderValue::try_from(value).map_err(malformed)?,
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

    #[test]
    fn values_of_one_name_become_one() {
        let mut map = HeaderMap::new();
        for (name, value) in [("vary", "accept"), ("etag", "\"a\""), ("vary", "origin")] {
            map.append(name, HeaderValue::from_static(value));
        }
        assert_eq!(to_json(&map).unwrap(), r#"{"etag":"\"a\"","vary":"accept, origin"}"#);
    }

    #[test]
    fn names_and_values_come_in_turn_and_values_may_be_empty_or_more_than_ascii() {
        let map = from_lines("accept\n\nx-name\nZoë").unwrap();
        assert_eq!(map["accept"], "");
        assert_eq!(map["x-name"].as_bytes(), "Zoë".as_bytes());
        assert_eq!(map.len(), 2);
    }

    #[test]
    fn there_may_be_none() {
        assert!(from_lines("").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_header_is_refused() {
        assert!(from_lines("a b\nvalue").is_err());
    }
}
