//! The one way in: the bytes go to the object store, a hash and a walk over the headers as they come; the record is
//! written last.

mod body;
mod incoming;

use std::future::poll_fn;

use aip::Violation;
use bytes::Bytes;
use futures_channel::mpsc;
use futures_util::{TryFutureExt as _, future::try_join3};
use identity::UserId;
use sha2::{Digest as _, Sha256};
use storage::{Background, Clock, Database, Entropy, ObjectKey, ObjectStore, PutOptions, Session};

use crate::{
    ImagesService, Settings,
    error::{Error, Result},
    format::Format,
    image::{Filename, Image, ImageId},
    probe::{Headers, probe},
    repo,
};

use body::BodySender;
pub(crate) use incoming::Incoming;
use incoming::Info;

/// What is known of the bytes once all have passed.
struct Receipt {
    size_bytes: i32,
    sha256: String,
}

/// Stores one picture for `owner` and answers its record. If it fails, nothing is stored.
pub(crate) async fn upload<D, O, C, E, B>(
    service: &ImagesService<D, O, C, E, B>,
    session: &Session<'_, D>,
    owner: UserId,
    mut incoming: Incoming,
) -> Result<Image>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
    B: Background,
{
    let info = incoming.info(service.settings.max_upload_bytes).await?;
    let format = info.declared.agree(Format::sniff(&incoming.opening().await?)?)?;
    let now = service.ports.clock.now();
    let id = ImageId::generate(now, &service.ports.entropy);
    let key = id.object_key(format);
    let (receipt, headers) = store(service, &key, format, info.size_bytes, incoming).await?;
    let Info { filename, metadata, .. } = info;
    let image = Image {
        id,
        filename: filename.unwrap_or_else(|| Filename::of_format(format)),
        key,
        format,
        size_bytes: receipt.size_bytes,
        sha256: receipt.sha256,
        dimensions: headers.dimensions(),
        orientation: headers.orientation(),
        owner,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        metadata,
        etag: Image::FIRST_ETAG,
    };
    record(service, session, &image).await?;
    Ok(image)
}

/// Sends the bytes three ways at the pace of the slowest. The first failure drops the other two, and with them the
/// object.
async fn store<D, O, C, E, B>(
    service: &ImagesService<D, O, C, E, B>,
    key: &ObjectKey,
    format: Format,
    declared_size: Option<i32>,
    incoming: Incoming,
) -> Result<(Receipt, Headers)>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
    B: Background,
{
    let (to_store, body) = body::channel();
    let (to_probe, passing) = mpsc::channel(0);
    let size = declared_size.and_then(|size| size.try_into().ok());
    let options = PutOptions { size, content_type: format.media_type().to_owned() };
    let put = service.ports.objects.put(key, body, options).map_err(Error::from);
    let limits = Limits { declared: declared_size, max_bytes: service.settings.max_upload_bytes };
    let receive = receive(incoming, limits, to_store, to_probe);
    let look = async { check(probe(format, passing).await, &service.settings) };
    let (_, receipt, headers) = try_join3(put, receive, look).await?;
    Ok((receipt, headers))
}

/// Takes in what comes and passes it on; whether the walk over the headers still wants it is its own affair.
async fn receive(
    mut incoming: Incoming,
    limits: Limits,
    mut to_store: BodySender,
    mut to_probe: mpsc::Sender<Bytes>,
) -> Result<Receipt> {
    let mut sha256 = Sha256::new();
    let mut size_bytes = 0;
    while let Some(chunk) = incoming.next().await? {
        size_bytes = limits.grown(size_bytes, chunk.len())?;
        sha256.update(&chunk);
        if poll_fn(|context| to_probe.poll_ready(context)).await.is_ok() {
            // It may end between the two calls, and then wants no more.
            let _unwanted = to_probe.start_send(chunk.clone());
        }
        to_store.send(chunk).await?;
    }
    limits.check_end(size_bytes)?;
    to_store.finish().await?;
    Ok(Receipt { size_bytes, sha256: format!("{:x}", sha256.finalize()) })
}

/// How many bytes there may be.
#[derive(Clone, Copy)]
struct Limits {
    declared: Option<i32>,
    max_bytes: i32,
}

impl Limits {
    /// `size` bytes and `more` of them, if there may be so many.
    fn grown(self, size: i32, more: usize) -> Result<i32> {
        match i32::try_from(more).ok().and_then(|more| size.checked_add(more)) {
            Some(grown) if self.declared.is_some_and(|declared| grown > declared) => Err(wrong_size()),
            Some(grown) if grown <= self.max_bytes => Ok(grown),
            Some(_) | None => Err(Error::TooLarge { limit: self.max_bytes }),
        }
    }

    /// Whether `size` bytes may be all.
    fn check_end(self, size: i32) -> Result<()> {
        if self.declared.is_none_or(|declared| declared == size) { Ok(()) } else { Err(wrong_size()) }
    }
}

fn wrong_size() -> Error {
    Violation::new("info.size_bytes", "must be the number of bytes that follow").into()
}

/// A picture with a limit on its pixels must tell how many it has.
fn check(headers: Headers, settings: &Settings) -> Result<Headers> {
    let Some(max_pixels) = settings.max_pixels else { return Ok(headers) };
    match headers.dimensions() {
        Some(size) if size.pixels() <= max_pixels => Ok(headers),
        Some(size) => {
            let rule = format!("must be a picture of at most {max_pixels} pixels, not {}", size.pixels());
            Err(Violation::new("data", rule).into())
        }
        None => Err(Violation::new("data", "must be a picture whose header tells its size").into()),
    }
}

/// Writes the record. Where it is certain that there is none, the object goes; else the daily sweep finds out.
async fn record<D, O, C, E, B>(
    service: &ImagesService<D, O, C, E, B>,
    session: &Session<'_, D>,
    image: &Image,
) -> Result<()>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
    B: Background,
{
    let Err(error) = repo::insert(session, image).await else { return Ok(()) };
    if matches!(error, storage::Error::Constraint(_) | storage::Error::Full(_)) {
        let (objects, key) = (service.ports.objects.clone(), image.key.clone());
        service.ports.background.run(Box::pin(async move {
            if let Err(error) = objects.delete(vec![key]).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "an object without a record is left to the sweep"
                );
            }
        }));
    }
    Err(error.into())
}
