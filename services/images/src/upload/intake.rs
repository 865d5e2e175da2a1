//! The one way in: the bytes go to the object store, a hash and a walk over the headers as they come.

use std::future::poll_fn;

use aip::Violation;
use bytes::{Bytes, BytesMut};
use futures_channel::mpsc;
use futures_util::{Stream, StreamExt as _, TryFutureExt as _, TryStreamExt as _, future::try_join3, stream};
use identity::UserId;
use sha2::{Digest as _, Sha256};
use storage::{ObjectKey, ObjectStore, PutOptions, Timestamp};

use super::body::{self, BodySender};
use crate::{
    Settings,
    error::{Error, Result},
    format::{Declared, Format},
    image::{Checksum, Filename, Image, ImageId, Metadata},
    probe::{Headers, probe},
};

/// What is said of a picture ahead of its bytes, and must be true of them.
pub(crate) struct Expected {
    pub(crate) declared: Declared,
    pub(crate) size_bytes: Option<i32>,
    pub(crate) sha256: Option<Checksum>,
}

/// A picture that is stored, and has no record yet.
pub(crate) struct Stored {
    pub(crate) key: ObjectKey,
    pub(crate) format: Format,
    pub(crate) size_bytes: i32,
    pub(crate) sha256: Checksum,
    pub(crate) headers: Headers,
}

/// What a record says of a picture that its bytes do not tell.
pub(crate) struct About {
    pub(crate) id: ImageId,
    pub(crate) owner: UserId,
    pub(crate) filename: Filename,
    pub(crate) metadata: Metadata,
    pub(crate) created_at: Timestamp,
}

impl Stored {
    /// The first record of the picture, made at `now`.
    pub(crate) fn into_image(self, about: About, now: Timestamp) -> Image {
        Image {
            id: about.id,
            filename: about.filename,
            key: self.key,
            format: self.format,
            size_bytes: self.size_bytes,
            sha256: self.sha256.into(),
            dimensions: self.headers.dimensions(),
            orientation: self.headers.orientation(),
            owner: about.owner,
            created_at: about.created_at,
            updated_at: now,
            deleted_at: None,
            metadata: about.metadata,
            etag: Image::FIRST_ETAG,
        }
    }
}

/// What is known of the bytes once all have passed.
struct Receipt {
    size_bytes: i32,
    sha256: Checksum,
}

/// Stores the picture that `bytes` are under the key that `id` has for its format. If it fails, nothing is stored.
pub(crate) async fn take_in<S>(
    objects: &impl ObjectStore,
    settings: &Settings,
    id: ImageId,
    expected: Expected,
    mut bytes: S,
) -> Result<Stored>
where
    S: Stream<Item = Result<Bytes>> + Send + Unpin,
{
    let opening = opening(&mut bytes).await?;
    let format = expected.declared.agree(Format::sniff(&opening)?)?;
    let bytes = stream::iter([Ok(opening)]).chain(bytes);
    let key = id.object_key(format);
    let (to_store, body) = body::channel();
    let (to_probe, passing) = mpsc::channel(0);
    let size = expected.size_bytes.and_then(|size| size.try_into().ok());
    let options = PutOptions { size, content_type: format.media_type().to_owned() };
    let limits = Limits { expected, max_bytes: settings.max_upload_bytes };
    let put = objects.put(&key, body, options).map_err(Error::from);
    let receive = receive(bytes, limits, to_store, to_probe);
    let look = async { check(probe(format, passing).await, settings) };
    // All go at the pace of the slowest; the first failure drops the other two, and with them the object.
    let (_, receipt, headers) = try_join3(put, receive, look).await?;
    let Receipt { size_bytes, sha256 } = receipt;
    Ok(Stored { key, format, size_bytes, sha256, headers })
}

/// The first bytes, enough to tell a format by.
async fn opening<S>(bytes: &mut S) -> Result<Bytes>
where
    S: Stream<Item = Result<Bytes>> + Unpin,
{
    let mut opening = bytes.try_next().await?.unwrap_or_default();
    while opening.len() < Format::SNIFFED_BYTES {
        let Some(more) = bytes.try_next().await? else { break };
        let mut joined = BytesMut::with_capacity(opening.len() + more.len());
        joined.extend_from_slice(&opening);
        joined.extend_from_slice(&more);
        opening = joined.freeze();
    }
    if opening.is_empty() {
        return Err(Violation::new("data", "must not be empty").into());
    }
    Ok(opening)
}

/// Takes in what comes and passes it on; whether the walk over the headers still wants it is its own affair.
async fn receive(
    mut bytes: impl Stream<Item = Result<Bytes>> + Unpin,
    limits: Limits,
    mut to_store: BodySender,
    mut to_probe: mpsc::Sender<Bytes>,
) -> Result<Receipt> {
    let mut sha256 = Sha256::new();
    let mut size_bytes = 0;
    while let Some(chunk) = bytes.try_next().await? {
        size_bytes = limits.grown(size_bytes, chunk.len())?;
        sha256.update(&chunk);
        if poll_fn(|context| to_probe.poll_ready(context)).await.is_ok() {
            // It may end between the two calls, and then wants no more.
            let _unwanted = to_probe.start_send(chunk.clone());
        }
        to_store.send(chunk).await?;
    }
    let receipt = Receipt { size_bytes, sha256: Checksum::of(sha256) };
    limits.check_end(&receipt)?;
    to_store.finish().await?;
    Ok(receipt)
}

/// How many bytes there may be, and which.
struct Limits {
    expected: Expected,
    max_bytes: i32,
}

impl Limits {
    /// `size` bytes and `more` of them, if there may be so many.
    fn grown(&self, size: i32, more: usize) -> Result<i32> {
        match i32::try_from(more).ok().and_then(|more| size.checked_add(more)) {
            Some(grown) if self.expected.size_bytes.is_some_and(|expected| grown > expected) => {
                Err(wrong_size())
            }
            Some(grown) if grown <= self.max_bytes => Ok(grown),
            Some(_) | None => Err(Error::TooLarge { limit: self.max_bytes }),
        }
    }

    /// Whether these may be all bytes.
    fn check_end(&self, receipt: &Receipt) -> Result<()> {
        if self.expected.size_bytes.is_some_and(|expected| expected != receipt.size_bytes) {
            return Err(wrong_size());
        }
        match &self.expected.sha256 {
            Some(expected) if *expected != receipt.sha256 => {
                let rule = format!("must be that of the bytes: theirs is {}", receipt.sha256.as_str());
                Err(Violation::new("sha256", rule).into())
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// The declared size is not that of the bytes.
pub(super) fn wrong_size() -> Error {
    Violation::new("info.size_bytes", "must be the number of bytes that follow").into()
}

/// A picture with a limit on its pixels must tell how many it has.
fn check(headers: Headers, settings: &Settings) -> Result<Headers> {
    let Some(max_pixels) = settings.max_pixels else { return Ok(headers) };
    match headers.dimensions() {
        Ok(size) if size.pixels() <= max_pixels => Ok(headers),
        Ok(size) => {
            let rule = format!("must be a picture of at most {max_pixels} pixels, not {}", size.pixels());
            Err(Violation::new("data", rule).into())
        }
        Err(reason) => {
            let rule = format!("must be a picture whose header tells its size: {reason}");
            Err(Violation::new("data", rule).into())
        }
    }
}
