//! Completes a direct upload: checks the bytes and creates the image.

use std::pin::pin;

use aip::{Violation, Violations};
use runtime::Clock as _;
use storage::{Object, ObjectStore as _, Session};

use super::{Declaration, DirectUpload};
use crate::{
    ImagesService,
    call::Call,
    download,
    error::{Error, Result},
    format::{Declared, Unsupported},
    host::Host,
    image::{Image, ImageId},
    repo,
    transfers::Holder,
    upload::{self, Expected, RecordFields, store_bytes},
    view::View,
};

impl<H: Host> ImagesService<H> {
    /// Completes the caller's upload `id` and returns the image, also if it was completed before.
    pub(crate) async fn complete_direct(&self, call: &Call<'_, H>, id: ImageId) -> Result<Image> {
        let (session, owner) = (&call.session, call.caller.user_id());
        match repo::uploads::find(session, Some(owner), id).await? {
            Some(upload) => {
                let _transfer = self.transfers.begin(Holder::from(owner))?;
                complete(self, session, upload).await
            }
            // It may have been completed before: then the image has the same id.
            None => {
                let image = repo::find(session, &View::Own(owner.clone()), id).await?;
                image.ok_or(Error::UploadNotFound(id))
            }
        }
    }
}

/// Creates an image from the bytes that were sent and returns its record. If two calls complete the upload at the same time,
/// both return the record of the first. Bytes that do not match the declaration are deleted, so that others can be sent.
async fn complete<H: Host>(
    service: &ImagesService<H>,
    session: &Session<'_, H::Database>,
    upload: DirectUpload,
) -> Result<Image> {
    let ports = &service.ports;
    let staged = upload.key();
    let Some(object) = ports.objects.get(&staged, None).await? else {
        // No bytes are left if another call has just completed the upload.
        let completed = repo::find(session, &View::Own(upload.owner), upload.id).await?;
        return completed.ok_or(Error::NotUploaded(upload.id));
    };
    let image = match store_checked(service, &upload, object).await {
        Ok(image) => image,
        Err(error) => {
            let violations = to_violations(error)?;
            upload::delete(&ports.objects, vec![staged]).await;
            return Err(violations.into());
        }
    };
    let completed =
        upload::discard_unless_written(ports, &image.key, repo::uploads::complete(session, &image).await)?;
    let spare = (completed.key != image.key).then_some(image.key);
    upload::discard(ports, spare.into_iter().chain([staged]).collect());
    Ok(completed)
}

/// Checks the bytes and stores them under a new key. Returns the image, which has no record yet.
async fn store_checked<H: Host>(
    service: &ImagesService<H>,
    upload: &DirectUpload,
    object: Object,
) -> Result<Image> {
    let ImagesService { ports, settings, .. } = service;
    let Declaration { filename, format, size_bytes, sha256, metadata } = upload.declaration.clone();
    if u64::try_from(size_bytes) != Ok(object.info.size) {
        let rule = format!("must be the number of bytes sent, which is {}", object.info.size);
        return Err(Violation::new("size_bytes", rule).into());
    }
    let bytes = download::read_exactly(upload.id, object.body, size_bytes.unsigned_abs());
    let expected = Expected { declared: Declared::Format(format), size_bytes: Some(size_bytes), sha256 };
    let now = ports.clock.now();
    // Each attempt uses a new key, so that it cannot overwrite the checked bytes of a concurrent attempt.
    let attempt = ImageId::generate(now, &ports.entropy);
    let stored = store_bytes(&ports.objects, settings, attempt, expected, pin!(bytes)).await?;
    let DirectUpload { id, owner, created_at, .. } = upload.clone();
    Ok(stored.into_image(RecordFields { id, owner, filename, metadata, created_at }, now))
}

/// Converts an error about the bytes into violations of the declaration. Returns all other errors unchanged.
fn to_violations(error: Error) -> Result<Violations> {
    let (field, rule) = match error {
        Error::Invalid(violations) => return Ok(violations),
        Error::Unsupported(Unsupported::Mismatch(found)) => {
            ("content_type", format!("must match the bytes, which are {}", found.media_type()))
        }
        Error::Unsupported(Unsupported::Bytes | Unsupported::Declared) => {
            ("content_type", "must match the bytes, which are not in a supported image format".to_owned())
        }
        Error::TooLarge { limit } => ("size_bytes", format!("must be at most {limit}")),
        other => return Err(other),
    };
    Ok(Violation::new(field, rule).into())
}
