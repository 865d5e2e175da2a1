//! The request of `UpdateImage`.

use aip::{Etag, Violation, Violations, masked_fields};
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

/// The fields that can be changed, as a mask names them.
const CHANGEABLE: [&str; 2] = ["filename", "metadata"];

/// The fields to update.
#[derive(Default)]
struct Fields {
    filename: bool,
    metadata: bool,
}

impl Fields {
    fn parse(paths: &[String], violations: &mut Violations) -> Self {
        let mut fields = Self::default();
        for field in masked_fields("image", paths, &CHANGEABLE) {
            match violations.check(field) {
                Some("filename") => fields.filename = true,
                Some(_metadata) => fields.metadata = true,
                None => {}
            }
        }
        fields
    }
}
