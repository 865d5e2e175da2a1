//! Direct uploads: the bytes go to the object store by a request of their own, and become an image once they were read.
//!
//! What is sent stays apart from the pictures, because the request holds for an hour, also after the upload is
//! completed, and must not change what was found good by then. So completing passes the bytes through the checks that any
//! upload passes, once, and stores them under a key that no request was ever signed for.

mod complete;
mod receive;
mod request;

use aip::{Violation, Violations};
use identity::UserId;
use proto::images::v1 as pb;
use storage::{ObjectKey, Timestamp};

use crate::{
    format::{Declared, Format},
    image::{Checksum, Filename, ImageId, Metadata},
};

pub(crate) use complete::complete;
pub(crate) use receive::receive;
pub(crate) use request::request;

/// Where bytes are that are no picture yet.
pub(crate) const STAGING_PREFIX: &str = "uploads/";

/// An upload that is not completed yet.
#[derive(Clone, Debug)]
pub(crate) struct DirectUpload {
    /// Also the id of the image to come.
    pub(crate) id: ImageId,
    pub(crate) owner: UserId,
    pub(crate) created_at: Timestamp,
    pub(crate) declaration: Declaration,
}

/// What is said of the bytes before they are sent.
#[derive(Clone, Debug)]
pub(crate) struct Declaration {
    pub(crate) filename: Filename,
    pub(crate) format: Format,
    pub(crate) size_bytes: i32,
    pub(crate) sha256: Option<Checksum>,
    pub(crate) metadata: Metadata,
}

impl DirectUpload {
    /// Where the bytes are sent to.
    #[expect(clippy::expect_used, reason = "hex digits after a known prefix, whatever the request was")]
    pub(crate) fn key(&self) -> ObjectKey {
        ObjectKey::parse(&format!("{STAGING_PREFIX}{}", self.id))
            .expect("hex digits after a prefix are a key")
    }
}

impl Declaration {
    /// What `request` says, of at most `max_bytes`.
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

/// Direct uploads name their format: the request that stores the bytes is made for it.
fn declared_format(content_type: &str) -> Result<Format, Violation> {
    match Declared::parse(content_type) {
        Ok(Declared::Format(format)) => Ok(format),
        Ok(Declared::Anything) | Err(_) => {
            Err(Violation::new("content_type", "must be image/* of JPEG, PNG, GIF, WebP, BMP, TIFF or AVIF"))
        }
    }
}
