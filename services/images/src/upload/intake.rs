//! Receives the bytes of all uploads: as chunks arrive, it passes them to the object store, a hash and the header probe.

use std::future::poll_fn;

use aip::Violation;
use bytes::{Bytes, BytesMut};
use futures_channel::mpsc;
use futures_util::{
    FutureExt as _, Stream, StreamExt as _, TryFutureExt as _, TryStreamExt as _, future::try_join3, stream,
};
use identity::UserId;
use runtime::Timestamp;
use sha2::{Digest as _, Sha256};
use storage::{ObjectKey, ObjectStore, PutOptions};

use super::body::{self, BodySender};
use crate::{
    Settings,
    error::{Error, Result},
    format::{Declared, Format},
    image::{Checksum, Filename, Image, ImageId, Metadata},
    probe::{Headers, probe},
};

/// What the client declared about the bytes. The bytes must match it.
pub(crate) struct Expected {
    pub(crate) declared: Declared,
    pub(crate) size_bytes: Option<i32>,
    pub(crate) sha256: Option<Checksum>,
}

/// An image that is stored and has no record yet.
pub(crate) struct Stored {
    pub(crate) key: ObjectKey,
    pub(crate) format: Format,
    pub(crate) size_bytes: i32,
    pub(crate) sha256: Checksum,
    pub(crate) headers: Headers,
}

/// The fields of a record that do not come from the bytes.
pub(crate) struct RecordFields {
    pub(crate) id: ImageId,
    pub(crate) owner: UserId,
    pub(crate) filename: Filename,
    pub(crate) metadata: Metadata,
    pub(crate) created_at: Timestamp,
}

impl Stored {
    /// Makes the record of the image; `now` is its time of update.
    pub(crate) fn into_image(self, fields: RecordFields, now: Timestamp) -> Image {
        Image {
            id: fields.id,
            filename: fields.filename,
            key: self.key,
            format: self.format,
            size_bytes: self.size_bytes,
            sha256: self.sha256.into(),
            dimensions: self.headers.dimensions(),
            orientation: self.headers.orientation(),
            owner: fields.owner,
            created_at: fields.created_at,
            updated_at: now,
            deleted_at: None,
            metadata: fields.metadata,
            etag: Image::FIRST_ETAG,
        }
    }
}

/// The size and the checksum of all received bytes.
struct Receipt {
    size_bytes: i32,
    sha256: Checksum,
}

/// Checks `bytes` and stores them under the object key of `id`. If it fails, nothing is stored.
pub(crate) async fn store_bytes<S>(
    objects: &impl ObjectStore,
    settings: &Settings,
    id: ImageId,
    expected: Expected,
    mut bytes: S,
) -> Result<Stored>
where
    S: Stream<Item = Result<Bytes>> + Send + Unpin,
{
    let head = read_head(&mut bytes).await?;
    if head.is_empty() {
        return Err(Violation::new("data", "must not be empty").into());
    }
    let format = expected.declared.check(Format::sniff(&head)?)?;
    let bytes = stream::iter([Ok(head)]).chain(bytes);
    let key = id.object_key(format);
    let (to_store, body) = body::channel();
    let (to_probe, passing) = mpsc::channel(0);
    let size = expected.size_bytes.and_then(|size| size.try_into().ok());
    let options = PutOptions { size, content_type: format.media_type().to_owned() };
    let limits = Limits { expected, max_bytes: settings.max_upload_bytes };
    let put = objects.put(&key, body, options).map_err(Error::from);
    let receive = receive(bytes, limits, to_store, to_probe);
    let read_headers = probe(format, passing).map(Ok);
    // All three run at the pace of the slowest. The first failure drops the other two, and then the object is not stored.
    let (_, receipt, headers) = try_join3(put, receive, read_headers).await?;
    let Receipt { size_bytes, sha256 } = receipt;
    Ok(Stored { key, format, size_bytes, sha256, headers })
}

/// Reads the first bytes, enough to detect the format; fewer if there are no more.
pub(crate) async fn read_head<S, E>(bytes: &mut S) -> Result<Bytes, E>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut head = bytes.try_next().await?.unwrap_or_default();
    while head.len() < Format::SNIFFED_BYTES {
        let Some(more) = bytes.try_next().await? else { break };
        let mut joined = BytesMut::with_capacity(head.len() + more.len());
        joined.extend_from_slice(&head);
        joined.extend_from_slice(&more);
        head = joined.freeze();
    }
    Ok(head)
}

/// Reads the bytes, checks them, and passes them to the store and to the header probe, which may stop reading early.
async fn receive(
    mut bytes: impl Stream<Item = Result<Bytes>> + Unpin,
    limits: Limits,
    mut to_store: BodySender,
    mut to_probe: mpsc::Sender<Bytes>,
) -> Result<Receipt> {
    let mut sha256 = Sha256::new();
    let mut size_bytes = 0;
    while let Some(chunk) = bytes.try_next().await? {
        size_bytes = limits.add(size_bytes, chunk.len())?;
        sha256.update(&chunk);
        if poll_fn(|context| to_probe.poll_ready(context)).await.is_ok() {
            // The probe may end between the two calls; then the chunk is dropped.
            let _dropped = to_probe.start_send(chunk.clone());
        }
        to_store.send(chunk).await?;
    }
    let receipt = Receipt { size_bytes, sha256: Checksum::of(sha256) };
    limits.check_end(&receipt)?;
    to_store.finish().await?;
    Ok(receipt)
}

/// The limit on the number of bytes, and what the client declared about them.
struct Limits {
    expected: Expected,
    max_bytes: i32,
}

impl Limits {
    /// Adds `more` to `size`, and checks the limits.
    fn add(&self, size: i32, more: usize) -> Result<i32> {
        match i32::try_from(more).ok().and_then(|more| size.checked_add(more)) {
            Some(sum) if self.expected.size_bytes.is_some_and(|expected| sum > expected) => Err(wrong_size()),
            Some(sum) if sum <= self.max_bytes => Ok(sum),
            Some(_) | None => Err(Error::TooLarge { limit: self.max_bytes }),
        }
    }

    /// Checks the size and the checksum of all bytes.
    fn check_end(&self, receipt: &Receipt) -> Result<()> {
        if self.expected.size_bytes.is_some_and(|expected| expected != receipt.size_bytes) {
            return Err(wrong_size());
        }
        match &self.expected.sha256 {
            Some(expected) if *expected != receipt.sha256 => {
                let rule = format!("must match the bytes, whose SHA-256 is {}", receipt.sha256.as_str());
                Err(Violation::new("sha256", rule).into())
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The declared size does not match the bytes.
pub(super) fn wrong_size() -> Error {
    Violation::new("info.size_bytes", "must be the number of bytes that follow").into()
}
