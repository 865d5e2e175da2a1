//! Lists objects.

use storage::{ObjectInfo, ObjectKey, ObjectList, Result};
use worker::{
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::{R2Bucket, R2Object, R2Objects},
};

use super::{
    failure::classify_thrown,
    metadata::{info, js_number, record},
    wait_for_r2,
};

/// The most objects that one call lists.
const MAX_KEYS_PER_LIST: usize = 1_000;

/// Lists up to `limit` objects in R2's own order, by the bytes of the keys. It skips objects whose key is not an
/// [`ObjectKey`], because Reticle cannot have stored them.
pub(super) async fn list(
    bucket: &R2Bucket,
    prefix: &str,
    after: Option<&ObjectKey>,
    limit: usize,
) -> Result<ObjectList> {
    let limit = limit.clamp(1, MAX_KEYS_PER_LIST);
    let mut after = after.map(ToString::to_string);
    loop {
        let options = options(prefix, after.as_deref(), limit)?;
        let page: R2Objects = wait_for_r2(bucket.list(options)).await?.unchecked_into();
        let found = page.objects().map_err(classify_thrown)?;
        let more = page.truncated().map_err(classify_thrown)?;
        let objects =
            found.iter().filter_map(|object| info_if_ours(object).transpose()).collect::<Result<Vec<_>>>()?;
        // A caller continues after the last object of a page, so a page with `more` must have one.
        let last = if more && objects.is_empty() { found.last() } else { None };
        let Some(last) = last else { return Ok(ObjectList { objects, more }) };
        after = Some(last.key().map_err(classify_thrown)?);
    }
}

fn info_if_ours(object: &R2Object) -> Result<Option<ObjectInfo>> {
    let key = ObjectKey::parse(&object.key().map_err(classify_thrown)?);
    key.map(|key| info(object, key)).transpose()
}

fn options(prefix: &str, after: Option<&str>, limit: usize) -> Result<JsValue> {
    let after = after.map_or(JsValue::UNDEFINED, JsValue::from_str);
    record([("prefix", JsValue::from_str(prefix)), ("startAfter", after), ("limit", js_number(limit as u64))])
}
