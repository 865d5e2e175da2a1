//! Lists objects, page by page.

use aws_sdk_s3::types::Object;
use storage::{ObjectInfo, ObjectKey, ObjectList, Result};

use super::{S3Objects, download::info, error::classify};

/// The most objects in one response of a store.
const PAGE: usize = 1_000;

/// Up to `limit` objects, and whether there are more.
pub(super) async fn list(
    store: &S3Objects,
    prefix: &str,
    after: Option<&ObjectKey>,
    limit: usize,
) -> Result<ObjectList> {
    let mut listed = ObjectList { objects: Vec::new(), more: true };
    let mut after = after.map(ToString::to_string);
    while listed.more && listed.objects.len() < limit {
        let size = PAGE.min(limit - listed.objects.len());
        let call = store.client.list_objects_v2().bucket(&store.bucket).prefix(prefix);
        let call = call.set_start_after(after.take()).max_keys(i32::try_from(size).unwrap_or(i32::MAX));
        let page = call.send().await.map_err(classify)?;
        listed.more = page.is_truncated().unwrap_or_default();
        after = page.contents().last().and_then(Object::key).map(str::to_owned);
        for object in page.contents() {
            // Objects that Reticle cannot have stored are skipped.
            listed.objects.extend(info_if_ours(object).transpose()?);
        }
    }
    Ok(listed)
}

fn info_if_ours(object: &Object) -> Option<Result<ObjectInfo>> {
    let key = ObjectKey::parse(object.key()?)?;
    Some(info(&key, object.size(), object.last_modified()))
}
