//! Renames an object. A binding has no copy operation, so the runtime reads the object and stores it again. Its bytes do not
//! pass through the Wasm module.

use storage::{ObjectKey, Result};
use worker::{
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::{R2Bucket, R2ObjectBody},
};

use super::{
    failure::classify_thrown,
    metadata::{info, record},
    wait_for_r2,
};

pub(super) async fn rename(bucket: &R2Bucket, from: &ObjectKey, to: &ObjectKey) -> Result<bool> {
    let found = wait_for_r2(bucket.get(from.to_string(), record([])?)).await?;
    if found.is_null() {
        return Ok(false);
    }
    let found: R2ObjectBody = found.unchecked_into();
    let options = record([("httpMetadata", found.http_metadata().map_err(classify_thrown)?.into())])?;
    // R2 requires a stream of known length, and the stream of an empty object has none.
    let body = match info(&found, from.clone())?.size {
        0 => JsValue::from_str(""),
        _ => found.body().map_err(classify_thrown)?.into(),
    };
    wait_for_r2(bucket.put(to.to_string(), body, options)).await?;
    wait_for_r2(bucket.delete(from.to_string())).await?;
    Ok(true)
}
