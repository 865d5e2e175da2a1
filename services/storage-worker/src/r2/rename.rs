//! Gives an object another key. A binding copies nothing by itself: the runtime reads the object and stores it anew,
//! without a byte of it coming here.

use storage::{ObjectKey, Result};
use worker::{
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::{R2Bucket, R2ObjectBody},
};

use super::{
    answered,
    failure::classify_thrown,
    metadata::{info, record},
};

pub(super) async fn rename(bucket: &R2Bucket, from: &ObjectKey, to: &ObjectKey) -> Result<bool> {
    let found = answered(bucket.get(from.to_string(), record([])?)).await?;
    if found.is_null() {
        return Ok(false);
    }
    let found: R2ObjectBody = found.unchecked_into();
    let options = record([("httpMetadata", found.http_metadata().map_err(classify_thrown)?.into())])?;
    // R2 takes a stream of known length, which that of an empty object is not.
    let body = match info(&found, from.clone())?.size {
        0 => JsValue::from_str(""),
        _ => found.body().map_err(classify_thrown)?.into(),
    };
    answered(bucket.put(to.to_string(), body, options)).await?;
    answered(bucket.delete(from.to_string())).await?;
    Ok(true)
}
