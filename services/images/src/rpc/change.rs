//! RPCs that change records: update, delete and undelete.

use aip::{Etag, Violation, Violations};
use identity::{Scope, caller};
use proto::images::v1 as pb;
use runtime::{Background, Clock, Entropy};
use storage::{Database, ObjectStore, Session};
use tonic::{Request, Response};

use super::{respond, resume_for};
use crate::{
    ImagesService,
    cleanup::purge_before,
    error::{Error, Result},
    image::{Filename, Image, ImageId, Metadata},
    repo::{self, Change},
    view::View,
};

impl<D, O, C, E, B> ImagesService<D, O, C, E, B>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
    B: Background,
{
    pub(super) async fn update(
        &self,
        request: Request<pb::UpdateImageRequest>,
    ) -> Result<Response<pb::UpdateImageResponse>> {
        let (headers, extensions, request) = request.into_parts();
        let caller = caller(&extensions, Scope::ImagesWrite)?;
        let view = View::from(caller);
        let Update { id, expected, change } = request.try_into()?;
        let session = resume_for(&self.ports.database, caller.user_id(), &headers);
        let image = match change {
            Some(change) => {
                let now = self.ports.clock.now();
                repo::update(&session, &view, id, expected, &change, now).await?
            }
            None => repo::find(&session, &view, id).await?.filter(|image| etag_matches(image, expected)),
        };
        let image = require_image(image, &session, &view, id, expected).await?;
        Ok(respond(&session, pb::UpdateImageResponse { image: Some(image.into()) }))
    }

    pub(super) async fn delete(
        &self,
        request: Request<pb::DeleteImageRequest>,
    ) -> Result<Response<pb::DeleteImageResponse>> {
        let caller = caller(request.extensions(), Scope::ImagesWrite)?;
        let view = View::from(caller);
        let id = ImageId::parse("image_id", &request.get_ref().image_id)?;
        let expected = Etag::parse(&request.get_ref().etag);
        let session = resume_for(&self.ports.database, caller.user_id(), request.metadata());
        let image = repo::delete(&session, &view, id, expected, self.ports.clock.now()).await?;
        let image = require_image(image, &session, &view, id, expected).await?;
        Ok(respond(&session, pb::DeleteImageResponse { image: Some(image.into()) }))
    }

    pub(super) async fn undelete(
        &self,
        request: Request<pb::UndeleteImageRequest>,
    ) -> Result<Response<pb::UndeleteImageResponse>> {
        let caller = caller(request.extensions(), Scope::ImagesWrite)?;
        let view = View::from(caller);
        let id = ImageId::parse("image_id", &request.get_ref().image_id)?;
        let session = resume_for(&self.ports.database, caller.user_id(), request.metadata());
        let now = self.ports.clock.now();
        let Some(image) = repo::undelete(&session, &view, id, purge_before(now), now).await? else {
            let live = repo::find(&session, &view, id).await?.is_some();
            return Err(if live { Error::NotDeleted(id) } else { Error::NotFound(id) });
        };
        Ok(respond(&session, pb::UndeleteImageResponse { image: Some(image.into()) }))
    }
}

/// Returns `image`, or the reason why it is absent: it does not exist, or its etag is not the one that the caller expects.
async fn require_image<D: Database>(
    image: Option<Image>,
    session: &Session<'_, D>,
    view: &View,
    id: ImageId,
    expected: Option<Etag>,
) -> Result<Image> {
    match image {
        Some(image) => Ok(image),
        None if expected.is_some() && repo::find(session, view, id).await?.is_some() => {
            Err(Error::Conflict(id))
        }
        None => Err(Error::NotFound(id)),
    }
}

fn etag_matches(image: &Image, expected: Option<Etag>) -> bool {
    expected.is_none_or(|expected| expected == image.etag)
}

/// A decoded update request.
struct Update {
    id: ImageId,
    expected: Option<Etag>,
    /// `None` if the request changes no field.
    change: Option<Change>,
}

impl TryFrom<pb::UpdateImageRequest> for Update {
    type Error = Violations;

    fn try_from(request: pb::UpdateImageRequest) -> Result<Self, Violations> {
        let image = request.image.ok_or_else(|| Violation::new("image", "must be set"))?;
        let mut violations = Violations::default();
        let id = violations.check(ImageId::parse("image.id", &image.id));
        let fields = match request.update_mask {
            Some(mask) => Fields::parse(&mask.paths, &mut violations),
            None => Fields { filename: !image.filename.is_empty(), metadata: image.metadata.is_some() },
        };
        let mut change = Change::default();
        if fields.filename {
            change.filename = violations.check(Filename::parse("image.filename", &image.filename));
        }
        if fields.metadata {
            let metadata = Metadata::parse("image.metadata", image.metadata.unwrap_or_default());
            change.metadata = violations.check(metadata);
        }
        let change = (fields.filename || fields.metadata).then_some(change);
        let expected = Etag::parse(&image.etag);
        violations.into_result(id.map(|id| Self { id, expected, change }))
    }
}

/// The path in a mask that means all changeable fields (AIP-134).
const WILDCARD: &str = "*";

/// The fields to update.
#[derive(Default)]
struct Fields {
    filename: bool,
    metadata: bool,
}

impl Fields {
    fn parse(paths: &[String], violations: &mut Violations) -> Self {
        let mut fields = Self::default();
        for path in paths {
            match path.as_str() {
                "filename" => fields.filename = true,
                "metadata" => fields.metadata = true,
                WILDCARD => fields = Self { filename: true, metadata: true },
                // These identify the image; over HTTP the mask holds all fields of the body, so it may hold these.
                "id" | "etag" => {}
                other => violations.push(not_changeable(other)),
            }
        }
        fields
    }
}

fn not_changeable(path: &str) -> Violation {
    /// The most characters of an unknown path that a response repeats.
    const MAX_CHARACTERS: usize = 64;
    let path: String = path.chars().take(MAX_CHARACTERS).collect();
    Violation::new(format!("image.{path}"), "cannot be changed: only filename and metadata can")
}
