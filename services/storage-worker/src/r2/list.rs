//! Lists objects.

use storage::{Error, ObjectKey, ObjectList, Result};
use worker::{
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::{R2Bucket, R2Objects},
};

use super::{
    failure::{classify, classify_thrown},
    info,
    metadata::{js_number, record},
};
use crate::promise::{Thrown, settled};

/// The most objects that one call lists.
const LISTED_AT_ONCE: usize = 1_000;

/// Up to `limit` objects, in the order that R2 has of itself: by the bytes of the keys.
pub(super) async fn list(
    bucket: &R2Bucket,
    prefix: &str,
    after: Option<&ObjectKey>,
    limit: usize,
) -> Result<ObjectList> {
    let limit = limit.clamp(1, LISTED_AT_ONCE);
    let options = options(prefix, after, limit).map_err(classify)?;
    let page: R2Objects = settled(bucket.list(options)).await.map_err(classify)?.unchecked_into();
    let objects = page.objects().map_err(classify_thrown)?.iter().map(info).collect::<Result<Vec<_>>>()?;
    let more = page.truncated().map_err(classify_thrown)?;
    if more && objects.is_empty() {
        return Err(Error::unavailable("an empty page that is not the last"));
    }
    Ok(ObjectList { objects, more })
}

fn options(prefix: &str, after: Option<&ObjectKey>, limit: usize) -> Result<JsValue, Thrown> {
    let after = after.map_or(JsValue::UNDEFINED, |key| JsValue::from_str(key.as_str()));
    record([("prefix", JsValue::from_str(prefix)), ("startAfter", after), ("limit", js_number(limit as u64))])
}
