//! Reads an object.

use aws_sdk_s3::{
    error::SdkError,
    operation::get_object::{GetObjectError, GetObjectOutput},
    primitives::{ByteStream as Body, DateTime},
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures_util::{StreamExt as _, stream};
use runtime::Timestamp;
use storage::{ByteRange, ByteStream, Error, Object, ObjectInfo, ObjectKey, ObjectStore as _, Result};

use super::{
    S3Objects,
    error::{classify, incomplete_body},
};

/// Past the end of every object: stores keep sizes as signed numbers, and some reject greater ones.
const MAX_OFFSET: u64 = 1 << 62;

/// Opens an object, or a part of it. Its bytes are read from the store only as fast as the reader polls for them.
pub(super) async fn get(
    store: &S3Objects,
    key: &ObjectKey,
    range: Option<ByteRange>,
) -> Result<Option<Object>> {
    let header = match range {
        None => None,
        // A `Range` header cannot request zero bytes, and no object reaches to `MAX_OFFSET`.
        Some(ByteRange { length: 0, .. }) => return empty_part(store, key).await,
        Some(ByteRange { offset, .. }) if offset >= MAX_OFFSET => return empty_part(store, key).await,
        Some(range) => Some(header(range)),
    };
    let call = store.client.get_object().bucket(&store.bucket).key(key.as_str()).set_range(header);
    match call.send().await {
        Ok(found) => open(key, found).map(Some),
        Err(error) => match status_and_absence(&error) {
            (_, true) => Ok(None),
            // The range begins at the end of the object or after it.
            (416, false) => empty_part(store, key).await,
            _ => Err(classify(error)),
        },
    }
}

/// The metadata of an object from a response of the store.
pub(super) fn info(key: &ObjectKey, size: Option<i64>, stored_at: Option<&DateTime>) -> Result<ObjectInfo> {
    let size = size.and_then(|size| u64::try_from(size).ok());
    // A listing has milliseconds, a header seconds. Whole seconds give one object the same time in both.
    let stored_at = stored_at.map(|time| Timestamp::from_millis(time.secs().saturating_mul(1_000)));
    match (size, stored_at) {
        (Some(size), Some(stored_at)) => Ok(ObjectInfo { key: key.clone(), size, stored_at }),
        _ => Err(Error::broken("the store's response lacks the size or the time of the object")),
    }
}

/// The value of a `Range` header (RFC 9110 section 14.1.2).
fn header(ByteRange { offset, length }: ByteRange) -> String {
    match offset.saturating_add(length) {
        end if end >= MAX_OFFSET => format!("bytes={offset}-"),
        end => format!("bytes={offset}-{}", end.saturating_sub(1)),
    }
}

fn open(key: &ObjectKey, found: GetObjectOutput) -> Result<Object> {
    // In the response for a range, the size of the whole object is after the slash: `bytes 0-9/100`.
    let whole = found.content_range().and_then(|range| range.rsplit_once('/')?.1.parse().ok());
    let info = info(key, whole.or(found.content_length()), found.last_modified())?;
    let length = found.content_length().and_then(|length| u64::try_from(length).ok());
    let length = length.ok_or_else(|| Error::broken("the store's response lacks the content length"))?;
    Ok(Object { info, body: storage::require_length(length, chunks(found.body)) })
}

/// The SDK's stream as the port's.
fn chunks(body: Body) -> ByteStream {
    let chunks = stream::try_unfold(body, |mut body| async move {
        let chunk = body.next().await.transpose().map_err(incomplete_body)?;
        Ok(chunk.map(|chunk| (chunk, body)))
    });
    chunks.boxed()
}

/// The object with an empty body.
async fn empty_part(store: &S3Objects, key: &ObjectKey) -> Result<Option<Object>> {
    let found = store.head(key).await?;
    Ok(found.map(|info| Object { info, body: stream::empty().boxed() }))
}

fn status_and_absence(error: &SdkError<GetObjectError, HttpResponse>) -> (u16, bool) {
    match error {
        SdkError::ServiceError(failed) => (failed.raw().status().as_u16(), failed.err().is_no_such_key()),
        _ => (0, false),
    }
}
