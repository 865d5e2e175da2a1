//! Headers between the runtime's form and this side's. They cross as one JSON text: one by one, each would cost several
//! calls. Not by the library's own conversions, which panic where a value is more than ASCII.
//!
//! What goes to the runtime is a plain object, of which it makes its `Headers` once: it would copy one that is given.

use std::collections::{BTreeMap, btree_map::Entry};

use http::{HeaderMap, HeaderName, HeaderValue};
use worker::{
    Error,
    js_sys::{JSON, Object},
    wasm_bindgen::JsValue,
    web_sys,
};

/// `map` as the runtime takes headers. Values of one name become one, separated by commas (RFC 9110 section 5.3).
pub(crate) fn to_runtime(map: &HeaderMap) -> worker::Result<JsValue> {
    let mut fields = BTreeMap::new();
    for (name, value) in map {
        let value = String::from_utf8_lossy(value.as_bytes());
        match fields.entry(name.as_str()) {
            Entry::Vacant(first) => drop(first.insert(value)),
            Entry::Occupied(mut before) => before.get_mut().to_mut().extend([", ", &value]),
        }
    }
    Ok(JSON::parse(&serde_json::to_string(&fields)?)?)
}

/// The runtime's `headers` as a map.
pub(crate) fn from_runtime(headers: &web_sys::Headers) -> worker::Result<HeaderMap> {
    let record: JsValue = Object::from_entries(headers)?.into();
    let text = JSON::stringify(&record)?;
    let fields: BTreeMap<String, String> = serde_json::from_str(&String::from(text))?;
    let mut map = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
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
