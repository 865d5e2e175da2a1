//! From bytes that were sent to an image.

use std::pin::pin;

use aip::{Violation, Violations};
use storage::{Background, Clock, Database, Entropy, Object, ObjectStore, Session};

use super::{Declaration, DirectUpload};
use crate::{
    ImagesService, download,
    error::{Error, Result},
    format::{Declared, Unsupported},
    image::{Image, ImageId},
    repo,
    upload::{self, About, Expected, take_in},
    view::View,
};

/// Makes an image of the bytes that were sent, and answers its record: that of whoever came first, where the upload is
/// completed twice at once. Bytes that are not as declared are deleted, so that others can be sent.
pub(crate) async fn complete<D, O, C, E, B>(
    service: &ImagesService<D, O, C, E, B>,
    session: &Session<'_, D>,
    upload: DirectUpload,
) -> Result<Image>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
    B: Background,
{
    let ports = &service.ports;
    let staged = upload.key();
    let Some(object) = ports.objects.get(&staged, None).await? else {
        // Whoever completes an upload takes its bytes away.
        let completed = repo::find(session, &View::Own(upload.owner), upload.id).await?;
        return completed.ok_or(Error::NotUploaded(upload.id));
    };
    let image = match picture(service, &upload, object).await {
        Ok(image) => image,
        Err(error) => {
            let refused = refusal(error)?;
            upload::delete(&ports.objects, vec![staged]).await;
            return Err(refused.into());
        }
    };
    let completed =
        upload::unless_refused(ports, &image.key, repo::uploads::complete(session, &image).await)?;
    let spare = (completed.key != image.key).then_some(image.key);
    upload::discard(ports, spare.into_iter().chain([staged]).collect());
    Ok(completed)
}

/// The image that the bytes are, stored but without a record.
async fn picture<D, O, C, E, B>(
    service: &ImagesService<D, O, C, E, B>,
    upload: &DirectUpload,
    object: Object,
) -> Result<Image>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
    B: Background,
{
    let ImagesService { ports, settings, .. } = service;
    let Declaration { filename, format, size_bytes, sha256, metadata } = upload.declaration.clone();
    if u64::try_from(size_bytes) != Ok(object.info.size) {
        let rule = format!("must be the number of bytes that were sent: they are {}", object.info.size);
        return Err(Violation::new("size_bytes", rule).into());
    }
    let bytes = download::exactly(upload.id, object.body, size_bytes.unsigned_abs());
    let expected = Expected { declared: Declared::Format(format), size_bytes: Some(size_bytes), sha256 };
    let now = ports.clock.now();
    // Each attempt has a key of its own, so that none can replace what another has found good.
    let attempt = ImageId::generate(now, &ports.entropy);
    let stored = take_in(&ports.objects, settings, attempt, expected, pin!(bytes)).await?;
    let DirectUpload { id, owner, created_at, .. } = upload.clone();
    Ok(stored.into_image(About { id, owner, filename, metadata, created_at }, now))
}

/// What is wrong with the bytes, as rules that the declaration breaks; an error that they are not to blame for stays one.
fn refusal(error: Error) -> Result<Violations> {
    let (field, rule) = match error {
        Error::Invalid(violations) => return Ok(violations),
        Error::Unsupported(Unsupported::Disagreement(found)) => {
            ("content_type", format!("must be that of the bytes: they are {}", found.media_type()))
        }
        Error::Unsupported(Unsupported::Bytes | Unsupported::Declared) => {
            ("content_type", "must be that of the bytes: they are no picture that is stored here".to_owned())
        }
        Error::TooLarge { limit } => ("size_bytes", format!("must be at most {limit}")),
        other => return Err(other),
    };
    Ok(Violation::new(field, rule).into())
}
