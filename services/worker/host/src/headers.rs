//! Headers between the runtime's form and this side's. Not by the library's own conversions, which panic where a value is
//! more than ASCII.

use http::{HeaderMap, HeaderName, HeaderValue};
use worker::{Error, Headers};

/// `map` as the runtime's headers.
pub(crate) fn to_runtime(map: &HeaderMap) -> worker::Result<Headers> {
    let headers = Headers::new();
    for (name, value) in map {
        headers.append(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))?;
    }
    Ok(headers)
}

/// The runtime's `headers` as a map.
pub(crate) fn from_runtime(headers: &Headers) -> worker::Result<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name: HeaderName = name.parse().map_err(malformed)?;
        map.append(name, HeaderValue::from_str(&value).map_err(malformed)?);
    }
    Ok(map)
}

fn malformed(error: impl std::error::Error) -> Error {
    Error::RustError(error.to_string())
}
