//! Stores a body of unknown length: whole if it is short, otherwise in equal parts.

use futures_util::TryStreamExt;
use storage::{ByteStream, ObjectKey, Result};
use worker::{
    js_sys::{Uint8Array, futures::spawn_local},
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::{R2Bucket, R2MultipartUpload},
};

use super::{answered, failure::classify_thrown};
use crate::promise::settled;

/// The bytes of each part but the last, the fewest that R2 takes; a body that is no longer is stored whole. One part at a
/// time is in memory, so that many uploads fit into an isolate.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// Stores `body`. Dropped midway, it stores nothing.
pub(super) async fn put(
    bucket: &R2Bucket,
    key: &ObjectKey,
    body: ByteStream,
    metadata: JsValue,
) -> Result<u64> {
    let mut body = storage::blame_sender(body);
    let mut collected = Collected { bucket, key, metadata, part: Vec::new(), upload: None };
    let mut size = 0_u64;
    while let Some(chunk) = body.try_next().await? {
        size = size.saturating_add(chunk.len() as u64);
        collected.add(&chunk).await?;
    }
    collected.store().await?;
    Ok(size)
}

/// What has come of a body: parts that are sent, and at most one that is not.
struct Collected<'a> {
    bucket: &'a R2Bucket,
    key: &'a ObjectKey,
    metadata: JsValue,
    part: Vec<u8>,
    upload: Option<Multipart>,
}

impl Collected<'_> {
    /// A full part is sent when more follows, so that the last one is never empty.
    async fn add(&mut self, mut chunk: &[u8]) -> Result<()> {
        while let Some((fits, more)) =
            chunk.split_at_checked(PART_BYTES - self.part.len()).filter(|(_, more)| !more.is_empty())
        {
            self.part.extend_from_slice(fits);
            let upload = match &mut self.upload {
                Some(upload) => upload,
                none => none.insert(Multipart::begin(self.bucket, self.key, &self.metadata).await?),
            };
            upload.send(&self.part).await?;
            self.part.clear();
            chunk = more;
        }
        self.part.extend_from_slice(chunk);
        Ok(())
    }

    async fn store(self) -> Result<()> {
        if let Some(mut upload) = self.upload {
            upload.send(&self.part).await?;
            return upload.complete().await;
        }
        let bytes = Uint8Array::from(self.part.as_slice());
        answered(self.bucket.put(self.key.to_string(), bytes.into(), self.metadata)).await.map(drop)
    }
}

/// An upload in parts. Unless it is completed it is aborted, and nothing of it is stored.
struct Multipart {
    upload: R2MultipartUpload,
    parts: Vec<JsValue>,
    is_complete: bool,
}

impl Multipart {
    async fn begin(bucket: &R2Bucket, key: &ObjectKey, metadata: &JsValue) -> Result<Self> {
        let upload = bucket.create_multipart_upload(key.to_string(), metadata.clone());
        let upload = answered(upload).await?.unchecked_into();
        Ok(Self { upload, parts: Vec::new(), is_complete: false })
    }

    async fn send(&mut self, part: &[u8]) -> Result<()> {
        let number = u16::try_from(self.parts.len() + 1).map_err(storage::Error::broken)?;
        let bytes = Uint8Array::from(part);
        let sent = answered(self.upload.upload_part(number, bytes.into())).await?;
        self.parts.push(sent);
        Ok(())
    }

    async fn complete(mut self) -> Result<()> {
        let parts = std::mem::take(&mut self.parts);
        answered(self.upload.complete(parts)).await?;
        self.is_complete = true;
        Ok(())
    }
}

impl Drop for Multipart {
    fn drop(&mut self) {
        if self.is_complete {
            return;
        }
        // R2 forgets after seven days what this does not reach it for.
        match self.upload.abort().map_err(classify_thrown) {
            Ok(aborted) => spawn_local(async move { drop(settled(Ok(aborted)).await) }),
            Err(error) => tracing::warn!(%error, "an upload was not aborted"),
        }
    }
}
