//! Stores a body: in one request if it fits into one part, otherwise as a multipart upload with parts of equal size.

use aws_sdk_s3::primitives::ByteStream as Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use storage::{ByteStream, ObjectKey, PutOptions, Result};

use super::{S3Objects, error::classify, multipart::Multipart};

/// The bytes of each part but the last: the fewest that S3 and R2 accept, so that many uploads fit into memory. Each upload
/// sends two parts at a time while it buffers one more.
pub const PART_BYTES: usize = 5 * 1024 * 1024;

/// Stores `body`. Nothing is stored under `key` until the whole body has been read. Each request can be retried, because its
/// bytes are in memory.
pub(super) async fn put(
    store: &S3Objects,
    key: &ObjectKey,
    body: ByteStream,
    options: PutOptions,
) -> Result<u64> {
    let body = storage::checked(body, options.size);
    let content_type = Some(options.content_type).filter(|text| !text.is_empty());
    let mut parts = Parts { body, rest: Bytes::new() };
    let first = parts.next().await?;
    let second = if first.len() < PART_BYTES { Bytes::new() } else { parts.next().await? };
    if second.is_empty() {
        return put_whole(store, key, first, content_type).await;
    }
    let upload = Multipart::begin(store, key, content_type).await?;
    upload.store(stream::iter([Ok(first), Ok(second)]).chain(parts.into_stream())).await
}

async fn put_whole(
    store: &S3Objects,
    key: &ObjectKey,
    bytes: Bytes,
    content_type: Option<String>,
) -> Result<u64> {
    let size = bytes.len() as u64;
    let call = store.client.put_object().bucket(&store.bucket).key(key.as_str());
    call.set_content_type(content_type).body(Body::from(bytes)).send().await.map_err(classify)?;
    Ok(size)
}

/// A body that is split into parts.
struct Parts {
    body: ByteStream,
    rest: Bytes,
}

impl Parts {
    /// The next [`PART_BYTES`] bytes, fewer at the end of the body, none after it.
    async fn next(&mut self) -> Result<Bytes> {
        let mut part = BytesMut::new();
        while part.len() < PART_BYTES {
            if self.rest.is_empty() {
                let Some(chunk) = self.body.try_next().await? else { break };
                self.rest = chunk;
            }
            let fits = self.rest.len().min(PART_BYTES - part.len());
            part.extend_from_slice(&self.rest.split_to(fits));
        }
        Ok(part.freeze())
    }

    fn into_stream(self) -> impl Stream<Item = Result<Bytes>> {
        stream::try_unfold(self, |mut parts| async move {
            let part = parts.next().await?;
            Ok((!part.is_empty()).then_some((part, parts)))
        })
    }
}
