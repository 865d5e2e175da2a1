//! Direct uploads: the client sends the bytes to the object store with a separate request, and then completes the upload.
//!
//! The signed request stays valid for an hour, even after completion, so a client could replace the bytes after they were
//! checked. Therefore the bytes are sent to a staging key. Completing an upload reads them once, through the same checks as
//! any upload, and stores them under a new key that no request was ever signed for.

mod complete;
mod receive;
mod request;

use aip::{Violation, Violations};
use identity::UserId;
use proto::images::v1 as pb;
use runtime::Timestamp;
use storage::ObjectKey;

use crate::{
    format::{Declared, Format},
    image::{Checksum, Filename, ImageId, Metadata},
};

/// The prefix of the staging keys.
pub(crate) const STAGING_PREFIX: &str = "uploads/";

/// An upload that is not completed yet.
#[derive(Clone, Debug)]
pub(crate) struct DirectUpload {
    /// The id of the upload, and of the image that it becomes.
    pub(crate) id: ImageId,
    pub(crate) owner: UserId,
    pub(crate) created_at: Timestamp,
    pub(crate) declaration: Declaration,
}

/// What the client declared about the bytes when it created the upload.
#[derive(Clone, Debug)]
pub(crate) struct Declaration {
    pub(crate) filename: Filename,
    pub(crate) format: Format,
    pub(crate) size_bytes: i32,
    pub(crate) sha256: Option<Checksum>,
    pub(crate) metadata: Metadata,
}

impl DirectUpload {
    /// The staging key to which the bytes are sent.
    #[expect(clippy::expect_used, reason = "hex digits after a known prefix, regardless of the request")]
    pub(crate) fn key(&self) -> ObjectKey {
        ObjectKey::parse(&format!("{STAGING_PREFIX}{}", self.id))
            .expect("hex digits after a prefix are a valid key")
    }
}

impl Declaration {
    /// Decodes `request`; the declared size must be at most `max_bytes`.
    pub(crate) fn parse(request: pb::CreateUploadRequest, max_bytes: i32) -> Result<Self, Violations> {
        let mut violations = Violations::default();
        let format = violations.check(declared_format(&request.content_type));
        let filename = match (request.filename.as_str(), format) {
            ("", format) => format.map(Filename::of_format),
            (name, _) => violations.check(Filename::parse("filename", name)),
        };
        if !(1..=max_bytes).contains(&request.size_bytes) {
            violations.push(Violation::new("size_bytes", format!("must be 1 to {max_bytes}")));
        }
        let sha256 = request.sha256.map(|text| Checksum::parse("sha256", &text)).transpose();
        let sha256 = violations.check(sha256);
        let metadata = Metadata::parse("metadata", request.metadata.unwrap_or_default());
        let metadata = violations.check(metadata);
        let size_bytes = request.size_bytes;
        let declaration = || {
            Some(Self {
                filename: filename?,
                format: format?,
                size_bytes,
                sha256: sha256?,
                metadata: metadata?,
            })
        };
        violations.into_result(declaration())
    }
}

/// A direct upload must declare its format, because the request that stores the bytes is signed for one content type.
fn declared_format(content_type: &str) -> Result<Format, Violation> {
    match Declared::parse(content_type) {
        Ok(Declared::Format(format)) => Ok(format),
        Ok(Declared::Anything) | Err(_) => Err(Violation::new(
            "content_type",
            "must be the image/* type of JPEG, PNG, GIF, WebP, BMP, TIFF or AVIF",
        )),
    }
}
