//! The domain types of a stored image.

mod checksum;
mod filename;
mod frame;
mod metadata;
mod unknown_size;

use std::fmt;

use aip::{Etag, Violation};
use identity::UserId;
use proto::images::v1 as pb;
use runtime::{Entropy, Id, Timestamp};
use storage::ObjectKey;

use crate::format::Format;

pub(crate) use checksum::Checksum;
pub(crate) use filename::Filename;
pub(crate) use frame::{Dimensions, Orientation};
pub(crate) use metadata::Metadata;
pub(crate) use unknown_size::UnknownSize;

/// The prefix of the keys of all images in the object store.
pub(crate) const OBJECT_PREFIX: &str = "images/";

/// The record of an image.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) id: ImageId,
    pub(crate) filename: Filename,
    pub(crate) key: ObjectKey,
    pub(crate) format: Format,
    pub(crate) size_bytes: i32,
    /// 64 lower-case hex digits; also the entity tag of the bytes.
    pub(crate) sha256: String,
    pub(crate) dimensions: Result<Dimensions, UnknownSize>,
    pub(crate) orientation: Orientation,
    pub(crate) owner: UserId,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) deleted_at: Option<Timestamp>,
    pub(crate) metadata: Metadata,
    pub(crate) etag: Etag,
}

impl Image {
    /// The etag of a new record.
    pub(crate) const FIRST_ETAG: Etag = Etag::of_revision(1);
}

/// The id of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ImageId(Id);

impl ImageId {
    /// Decodes the id in `field`.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        text.parse().map(Self).map_err(|error: runtime::InvalidId| Violation::new(field, error.to_string()))
    }

    /// Generates an id for an image created at `now`.
    pub(crate) fn generate(now: Timestamp, entropy: &impl Entropy) -> Self {
        Self(Id::generate(now, entropy))
    }

    /// The key of the bytes of this image in the object store.
    #[expect(clippy::expect_used, reason = "hex digits and a known extension, regardless of the request")]
    pub(crate) fn object_key(self, format: Format) -> ObjectKey {
        ObjectKey::parse(&format!("{OBJECT_PREFIX}{self}.{}", format.extension()))
            .expect("hex digits and a known extension are a valid key")
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<ImageId> for Id {
    fn from(id: ImageId) -> Self {
        id.0
    }
}

impl From<Id> for ImageId {
    fn from(id: Id) -> Self {
        Self(id)
    }
}

impl From<Image> for pb::Image {
    fn from(image: Image) -> Self {
        Self {
            id: image.id.to_string(),
            filename: image.filename.into(),
            r2_key: image.key.to_string(),
            content_type: image.format.media_type().to_owned(),
            size_bytes: image.size_bytes,
            sha256: image.sha256,
            width: image.dimensions.ok().map(|size| size.width),
            height: image.dimensions.ok().map(|size| size.height),
            exif_orientation: image.orientation.tag().into(),
            uploaded_by: image.owner.to_string(),
            created_at: Some(aip::to_proto(image.created_at)),
            updated_at: Some(aip::to_proto(image.updated_at)),
            deleted_at: image.deleted_at.map(aip::to_proto),
            metadata: Some(image.metadata.into()),
            etag: image.etag.to_string(),
            unknown_size: image.dimensions.err().map(|reason| pb::UnknownSize::from(reason).into()),
        }
    }
}
