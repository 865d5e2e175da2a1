//! Reads an object.

use std::cmp::Ordering;

use aws_sdk_s3::{
    error::SdkError,
    operation::get_object::{GetObjectError, GetObjectOutput},
    primitives::{ByteStream as Body, DateTime},
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures_util::{StreamExt as _, stream};
use storage::{
    ByteRange, ByteStream, Error, Object, ObjectInfo, ObjectKey, ObjectStore as _, Result, Timestamp,
};

use super::{
    S3Objects,
    error::{broken_off, classify},
};

/// Past the end of every object: stores keep sizes as signed numbers, and some refuse greater ones.
const FAR: u64 = 1 << 62;

/// Opens an object, or a part of it; its bytes come at the pace of whoever reads them.
pub(super) async fn get(
    store: &S3Objects,
    key: &ObjectKey,
    range: Option<ByteRange>,
) -> Result<Option<Object>> {
    let header = match range {
        None => None,
        // HTTP has no way to ask for no bytes, and no object has as many.
        Some(ByteRange { length: 0, .. }) => return nothing_of(store, key).await,
        Some(ByteRange { offset, .. }) if offset >= FAR => return nothing_of(store, key).await,
        Some(range) => Some(header(range)),
    };
    let call = store.client.get_object().bucket(&store.bucket).key(key.as_str()).set_range(header);
    match call.send().await {
        Ok(found) => open(key, found).map(Some),
        Err(error) => match status_and_absence(&error) {
            (_, true) => Ok(None),
            // The part begins at the end or after it.
            (416, false) => nothing_of(store, key).await,
            _ => Err(classify(error)),
        },
    }
}

/// What a store tells of an object.
pub(super) fn info(key: &ObjectKey, size: Option<i64>, stored_at: Option<&DateTime>) -> Result<ObjectInfo> {
    let size = size.and_then(|size| u64::try_from(size).ok());
    // A listing tells milliseconds, a header seconds: one object has one time.
    let stored_at = stored_at.map(|time| Timestamp::from_millis(time.secs().saturating_mul(1_000)));
    match (size, stored_at) {
        (Some(size), Some(stored_at)) => Ok(ObjectInfo { key: key.clone(), size, stored_at }),
        _ => Err(Error::broken("the store does not tell an object's size or time")),
    }
}

/// The value of a `Range` header (RFC 9110 section 14.1.2).
fn header(ByteRange { offset, length }: ByteRange) -> String {
    match offset.saturating_add(length) {
        end if end >= FAR => format!("bytes={offset}-"),
        end => format!("bytes={offset}-{}", end.saturating_sub(1)),
    }
}

fn open(key: &ObjectKey, found: GetObjectOutput) -> Result<Object> {
    // Of a part, the whole size stands after the slash: `bytes 0-9/100`.
    let whole = found.content_range().and_then(|range| range.rsplit_once('/')?.1.parse().ok());
    let info = info(key, whole.or(found.content_length()), found.last_modified())?;
    let length = found.content_length().and_then(|length| u64::try_from(length).ok());
    let length = length.ok_or_else(|| Error::broken("the store does not tell how many bytes it sends"))?;
    Ok(Object { info, body: exactly(length, found.body) })
}

/// The `length` bytes of `body`: a connection that ends early must not look like a smaller picture.
fn exactly(length: u64, body: Body) -> ByteStream {
    let chunks = stream::try_unfold((body, length), |(mut body, missing)| async move {
        match body.next().await.transpose().map_err(broken_off)? {
            Some(chunk) => match missing.checked_sub(chunk.len() as u64) {
                Some(missing) => Ok(Some((chunk, (body, missing)))),
                None => Err(Error::broken("the store sends more bytes than it said")),
            },
            None => match missing.cmp(&0) {
                Ordering::Equal => Ok(None),
                _ => Err(Error::unavailable("the store stopped in the middle of an object")),
            },
        }
    });
    chunks.boxed()
}

async fn nothing_of(store: &S3Objects, key: &ObjectKey) -> Result<Option<Object>> {
    let found = store.head(key).await?;
    Ok(found.map(|info| Object { info, body: stream::empty().boxed() }))
}

fn status_and_absence(error: &SdkError<GetObjectError, HttpResponse>) -> (u16, bool) {
    match error {
        SdkError::ServiceError(refused) => (refused.raw().status().as_u16(), refused.err().is_no_such_key()),
        _ => (0, false),
    }
}
