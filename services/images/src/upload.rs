//! Uploads: receives an image as a stream of messages. The bytes are stored first, the record last.

mod body;
mod incoming;
mod info;
mod intake;

use std::pin::pin;

use proto::images::v1 as pb;
use runtime::{Background as _, Clock as _};
use storage::{ObjectKey, ObjectStore};

use crate::{
    ImagesService, Settings,
    call::Call,
    error::Result,
    host::{Host, Ports},
    image::{Filename, Image, ImageId},
    repo,
    transfers::Holder,
};

pub(crate) use body::{BodySender, channel};
pub(crate) use incoming::Incoming;
use info::Info;
pub(crate) use intake::{Expected, RecordFields, read_head, store_bytes};
use intake::{Stored, wrong_size};

impl<H: Host> ImagesService<H> {
    /// Stores one image of the caller and returns its record. If it fails before the record is written, nothing is stored. If
    /// the write of the record fails, the image may be stored nevertheless: see [`discard_unless_written`].
    pub(crate) async fn upload(
        &self,
        call: &Call<'_, H>,
        mut incoming: Incoming<pb::UploadImageRequest>,
    ) -> Result<Image> {
        let Self { ports, settings, .. } = self;
        let owner = call.caller.user_id().clone();
        let _transfer = self.transfers.begin(Holder::from(&owner))?;
        let info = Info::parse(incoming.info().await?, settings.max_upload_bytes)?;
        let now = ports.clock.now();
        let id = ImageId::generate(now, &ports.entropy);
        let expected = Expected { declared: info.declared, size_bytes: info.size_bytes, sha256: None };
        let stored = store_bytes(&ports.objects, settings, id, expected, pin!(incoming.data())).await?;
        let info = match incoming.last_info() {
            Some(last) => parse_last_info(last, &stored, settings)
                .inspect_err(|_| discard(ports, vec![stored.key.clone()]))?,
            None => info,
        };
        let Info { filename, metadata, .. } = info;
        let filename = filename.unwrap_or_else(|| Filename::of_format(stored.format));
        let image = stored.into_image(RecordFields { id, owner, filename, metadata, created_at: now }, now);
        discard_unless_written(ports, &image.key, repo::insert(&call.session, &image).await)?;
        Ok(image)
    }
}

/// Decodes the description after the bytes. Like the first one, it must match the bytes.
fn parse_last_info(last: pb::UploadInfo, stored: &Stored, settings: &Settings) -> Result<Info> {
    let info = Info::parse(last, settings.max_upload_bytes)?;
    info.declared.check(stored.format)?;
    if info.size_bytes.is_some_and(|size| size != stored.size_bytes) {
        return Err(wrong_size());
    }
    Ok(info)
}

/// Returns the result of writing the record of an object. If it is certain that the record was not written, the object is
/// deleted. If it is uncertain, the daily sweep checks.
pub(crate) fn discard_unless_written<T, H: Host>(
    ports: &Ports<H>,
    key: &ObjectKey,
    written: storage::Result<T>,
) -> Result<T> {
    if let Err(storage::Error::Constraint(_) | storage::Error::Full(_)) = &written {
        discard(ports, vec![key.clone()]);
    }
    Ok(written?)
}

/// Deletes objects in the background, so that the response does not wait.
pub(crate) fn discard<H: Host>(ports: &Ports<H>, keys: Vec<ObjectKey>) {
    let objects = ports.objects.clone();
    ports.background.run(Box::pin(async move { delete(&objects, keys).await }));
}

/// Deletes objects. If that fails, the daily sweep deletes them.
pub(crate) async fn delete(objects: &impl ObjectStore, keys: Vec<ObjectKey>) {
    if let Err(error) = objects.delete(keys).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "cannot delete objects without a record; the daily sweep will"
        );
    }
}
