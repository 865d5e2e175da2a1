//! The request of `UpdateImage`.

use aip::{Etag, Violation, Violations};
use proto::images::v1 as pb;

use crate::{
    image::{Filename, ImageId, Metadata},
    repo::Change,
};

/// A decoded update request.
pub(super) struct Update {
    pub(super) id: ImageId,
    pub(super) etag: Option<Etag>,
    /// `None` if the request changes no field.
    pub(super) change: Option<Change>,
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
        let etag = Etag::parse(&image.etag);
        violations.into_result(id.map(|id| Self { id, etag, change }))
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
