//! Renames an object: the store copies it, then the old object is deleted.

use aws_sdk_s3::{error::SdkError, operation::copy_object::CopyObjectError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use storage::{ObjectKey, ObjectStore as _, Result};

use super::{S3Objects, error::classify};

/// Copies `from` to `to` within the store, which can copy objects of up to 5 GB, and deletes `from`.
pub(super) async fn rename(store: &S3Objects, from: &ObjectKey, to: &ObjectKey) -> Result<bool> {
    // No character of a key needs escaping in a header.
    let source = format!("{}/{from}", store.bucket);
    let copy = store.client.copy_object().bucket(&store.bucket).key(to.as_str()).copy_source(source);
    match copy.send().await {
        Ok(_) => store.delete(vec![from.clone()]).await.map(|()| true),
        Err(error) if is_absent(&error) => Ok(false),
        Err(error) => Err(classify(error)),
    }
}

/// Whether there is no object to copy. Stores use different codes for that, but all of them the status 404.
fn is_absent(error: &SdkError<CopyObjectError, HttpResponse>) -> bool {
    use aws_sdk_s3::error::ProvideErrorMetadata as _;
    matches!(error, SdkError::ServiceError(failed)
        if failed.raw().status().as_u16() == 404 && failed.err().code() != Some("NoSuchBucket"))
}
