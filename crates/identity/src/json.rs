//! The JSON objects of tokens and key sets.

use serde::{de::DeserializeOwned, de::Error as _};

/// Parses a JSON object. `serde_json` alone accepts more than the RFCs 7515, 7517 and 7519 allow: an array in place of an
/// object, and bytes that are not UTF-8 in ignored members.
///
/// # Errors
/// `json` is not UTF-8, not JSON, not an object, or not a `T`.
pub(crate) fn parse_object<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    let text = str::from_utf8(json).map_err(serde_json::Error::custom)?;
    if !text.trim_start().starts_with('{') {
        return Err(serde_json::Error::custom("not a JSON object"));
    }
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Header {
        alg: String,
    }

    #[test]
    fn only_utf8_text_in_braces_is_an_object() {
        let header = |json: &[u8]| parse_object::<Header>(json).ok().map(|header| header.alg);
        assert_eq!(header(b" {\"alg\":\"HS256\",\"typ\":\"\xc3\xa4\"}"), Some("HS256".to_owned()));
        for json in [
            &b"[\"HS256\"]"[..],
            b"{\"alg\":\"HS256\",\"typ\":\"\xdc\"}",
            b"{}",
            b"",
            b"{\"alg\":\"HS256\"}]",
        ] {
            assert_eq!(header(json), None, "{json:?}");
        }
    }
}
