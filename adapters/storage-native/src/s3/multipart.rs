//! A multipart upload, which sends several parts at a time. The object exists under its key only after the upload is completed.

use aws_sdk_s3::{
    primitives::ByteStream as Body,
    types::{CompletedMultipartUpload, CompletedPart},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use storage::{Error, ObjectKey, Result};

use super::{S3Objects, error::classify};

/// How many parts of one upload are sent at a time, while the next one is buffered.
pub(super) const IN_FLIGHT: usize = 2;

pub(super) struct Multipart {
    store: S3Objects,
    key: ObjectKey,
    id: String,
    is_finished: bool,
}

impl Multipart {
    pub(super) async fn begin(
        store: &S3Objects,
        key: &ObjectKey,
        content_type: Option<String>,
    ) -> Result<Self> {
        let call = store.client.create_multipart_upload().bucket(&store.bucket).key(key.as_str());
        let begun = call.set_content_type(content_type).send().await.map_err(classify)?;
        let id = begun.upload_id.ok_or_else(|| Error::broken("the store's response lacks the upload id"))?;
        Ok(Self { store: store.clone(), key: key.clone(), id, is_finished: false })
    }

    /// Sends `parts`, which are of equal size except for the last one, and completes the upload; returns its size.
    pub(super) async fn store(mut self, parts: impl Stream<Item = Result<Bytes>>) -> Result<u64> {
        let stored = self.send_all(parts).await;
        if stored.is_err() {
            abort(self.store.clone(), self.key.clone(), self.id.clone()).await;
        }
        self.is_finished = true;
        stored
    }

    async fn send_all(&self, parts: impl Stream<Item = Result<Bytes>>) -> Result<u64> {
        let sending =
            stream::iter(1..).zip(parts).map(|(number, part)| part.map(|part| self.send(number, part)));
        let sent: Vec<(CompletedPart, u64)> = sending.try_buffered(IN_FLIGHT).try_collect().await?;
        let (sent, sizes): (Vec<_>, Vec<_>) = sent.into_iter().unzip();
        let all = CompletedMultipartUpload::builder().set_parts(Some(sent)).build();
        let call = self.store.client.complete_multipart_upload().bucket(&self.store.bucket);
        let call = call.key(self.key.as_str()).upload_id(&self.id).multipart_upload(all);
        call.send().await.map_err(classify)?;
        Ok(sizes.iter().sum())
    }

    async fn send(&self, number: i32, part: Bytes) -> Result<(CompletedPart, u64)> {
        let size = part.len() as u64;
        let call = self.store.client.upload_part().bucket(&self.store.bucket).key(self.key.as_str());
        let call = call.upload_id(&self.id).part_number(number).body(Body::from(part));
        let sent = call.send().await.map_err(classify)?;
        Ok((CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build(), size))
    }
}

impl Drop for Multipart {
    #[expect(clippy::disallowed_methods, reason = "one call with a timeout, which no response waits for")]
    fn drop(&mut self) {
        if !self.is_finished {
            tokio::spawn(abort(self.store.clone(), self.key.clone(), self.id.clone()));
        }
    }
}

/// Asks the store to discard the parts. If that fails, stores discard them later by themselves (R2: after seven days).
async fn abort(store: S3Objects, key: ObjectKey, id: String) {
    let call = store.client.abort_multipart_upload().bucket(&store.bucket).key(key.as_str()).upload_id(id);
    if let Err(error) = call.send().await.map_err(classify) {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "cannot abort a multipart upload; the store discards its parts later"
        );
    }
}
