//! The metadata that R2 stores with an object.

use runtime::Timestamp;
use storage::{ObjectInfo, ObjectKey, Result};
use worker::{
    js_sys::{Object, Reflect},
    wasm_bindgen::JsValue,
    worker_sys::R2Object,
};

use super::failure::classify_thrown;

/// R2's options for a new object with this media type, which may be empty.
pub(super) fn options(content_type: &str) -> Result<JsValue> {
    if content_type.is_empty() {
        return record([]);
    }
    record([("httpMetadata", record([("contentType", JsValue::from_str(content_type))])?)])
}

/// A JavaScript object with these members.
pub(super) fn record<const N: usize>(members: [(&str, JsValue); N]) -> Result<JsValue> {
    let record = Object::new();
    for (name, value) in members {
        Reflect::set(&record, &JsValue::from_str(name), &value).map_err(classify_thrown)?;
    }
    Ok(record.into())
}

/// The metadata of the object with this key.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes and times are whole numbers below 2^53"
)]
pub(super) fn info(object: &R2Object, key: ObjectKey) -> Result<ObjectInfo> {
    let size = object.size().map_err(classify_thrown)? as u64;
    let stored_at = object.uploaded().map_err(classify_thrown)?.get_time() as i64;
    Ok(ObjectInfo { key, size, stored_at: Timestamp::from_millis(stored_at) })
}

/// `number` as a JavaScript number, at most 2^53: no object is larger.
#[expect(clippy::cast_precision_loss, reason = "a double holds integers up to 2^53 exactly")]
pub(super) fn js_number(number: u64) -> JsValue {
    JsValue::from_f64(number.min(1 << 53) as f64)
}
