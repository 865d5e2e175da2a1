//! Stores a body of unknown length: in one request if it fits into one part, otherwise as a multipart upload with parts of
//! equal size.

use futures_util::TryStreamExt;
use storage::{ByteStream, ObjectKey, Result};
use worker::{
    js_sys::{Uint8Array, futures::spawn_local},
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::{R2Bucket, R2MultipartUpload},
};

use super::{failure::classify_thrown, wait_for_r2};
use crate::promise::wait_for_call;

/// The bytes of each part but the last: the fewest that R2 accepts. A body that is not larger is stored in one request. One
/// part at a time is in memory, so that many uploads fit into an isolate.
const PART_BYTES: usize = 5 * 1024 * 1024;

/// Stores `body`, which is checked. If the future is dropped early, nothing is stored.
pub(super) async fn put(
    bucket: &R2Bucket,
    key: &ObjectKey,
    mut body: ByteStream,
    metadata: JsValue,
) -> Result<u64> {
    let mut writer = PartWriter { bucket, key, metadata, part: Vec::new(), upload: None };
    let mut size = 0_u64;
    while let Some(chunk) = body.try_next().await? {
        size = size.saturating_add(chunk.len() as u64);
        writer.add(&chunk).await?;
    }
    writer.store().await?;
    Ok(size)
}

/// The state of an upload: the part that is being filled, and the multipart upload of the earlier ones, if any.
struct PartWriter<'a> {
    bucket: &'a R2Bucket,
    key: &'a ObjectKey,
    metadata: JsValue,
    part: Vec<u8>,
    upload: Option<Multipart>,
}

impl PartWriter<'_> {
    /// Adds a chunk. A full part is sent only when more bytes follow, so that the last part is never empty.
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
        wait_for_r2(self.bucket.put(self.key.to_string(), bytes.into(), self.metadata)).await.map(drop)
    }
}

/// A multipart upload. Unless it is completed, it is aborted when dropped, and nothing is stored.
struct Multipart {
    upload: R2MultipartUpload,
    parts: Vec<JsValue>,
    is_complete: bool,
}

impl Multipart {
    async fn begin(bucket: &R2Bucket, key: &ObjectKey, metadata: &JsValue) -> Result<Self> {
        let upload = bucket.create_multipart_upload(key.to_string(), metadata.clone());
        let upload = wait_for_r2(upload).await?.unchecked_into();
        Ok(Self { upload, parts: Vec::new(), is_complete: false })
    }

    async fn send(&mut self, part: &[u8]) -> Result<()> {
        let number = u16::try_from(self.parts.len() + 1).map_err(storage::Error::broken)?;
        let bytes = Uint8Array::from(part);
        let sent = wait_for_r2(self.upload.upload_part(number, bytes.into())).await?;
        self.parts.push(sent);
        Ok(())
    }

    async fn complete(mut self) -> Result<()> {
        let parts = std::mem::take(&mut self.parts);
        wait_for_r2(self.upload.complete(parts)).await?;
        self.is_complete = true;
        Ok(())
    }
}

impl Drop for Multipart {
    fn drop(&mut self) {
        if self.is_complete {
            return;
        }
        // If the abort fails, R2 discards the parts after seven days.
        match self.upload.abort().map_err(classify_thrown) {
            Ok(aborted) => spawn_local(async move { drop(wait_for_call(Ok(aborted)).await) }),
            Err(error) => {
                tracing::warn!(%error, "cannot abort a multipart upload; R2 discards its parts after seven days");
            }
        }
    }
}
