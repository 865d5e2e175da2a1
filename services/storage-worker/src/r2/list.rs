//! Lists objects.

use storage::{ObjectInfo, ObjectKey, ObjectList, Result};
use worker::{
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::{R2Bucket, R2Object, R2Objects},
};

use super::{
    answered,
    failure::classify_thrown,
    metadata::{info, js_number, record},
};

/// The most objects that one call lists.
const LISTED_AT_ONCE: usize = 1_000;

/// Up to `limit` objects, in the order that R2 has of itself: by the bytes of the keys. An object whose key is none of
/// ours is somebody else's, and passed over.
pub(super) async fn list(
    bucket: &R2Bucket,
    prefix: &str,
    after: Option<&ObjectKey>,
    limit: usize,
) -> Result<ObjectList> {
    let limit = limit.clamp(1, LISTED_AT_ONCE);
    let mut after = after.map(ToString::to_string);
    loop {
        let options = options(prefix, after.as_deref(), limit)?;
        let page: R2Objects = answered(bucket.list(options)).await?.unchecked_into();
        let found = page.objects().map_err(classify_thrown)?;
        let more = page.truncated().map_err(classify_thrown)?;
        let objects =
            found.iter().filter_map(|object| ours(object).transpose()).collect::<Result<Vec<_>>>()?;
        // A caller goes on after the last object, and so there must be one.
        let last = if more && objects.is_empty() { found.last() } else { None };
        let Some(last) = last else { return Ok(ObjectList { objects, more }) };
        after = Some(last.key().map_err(classify_thrown)?);
    }
}

fn ours(object: &R2Object) -> Result<Option<ObjectInfo>> {
    let key = ObjectKey::parse(&object.key().map_err(classify_thrown)?);
    key.map(|key| info(object, key)).transpose()
}

fn options(prefix: &str, after: Option<&str>, limit: usize) -> Result<JsValue> {
    let after = after.map_or(JsValue::UNDEFINED, JsValue::from_str);
    record([("prefix", JsValue::from_str(prefix)), ("startAfter", after), ("limit", js_number(limit as u64))])
}
