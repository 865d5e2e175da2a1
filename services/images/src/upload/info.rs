//! The description of an upload.

use aip::{Violation, Violations};
use proto::images::v1 as pb;

use crate::{
    error::{Error, Result},
    format::Declared,
    image::{Filename, Metadata},
};

/// The decoded description of an upload.
pub(super) struct Info {
    pub(super) filename: Option<Filename>,
    pub(super) declared: Declared,
    pub(super) size_bytes: Option<i32>,
    pub(super) metadata: Metadata,
}

impl Info {
    pub(super) fn parse(info: pb::UploadInfo, max_bytes: i32) -> Result<Self> {
        let mut violations = Violations::default();
        let filename = match info.filename.as_str() {
            "" => Some(None),
            name => violations.check(Filename::parse("info.filename", name)).map(Some),
        };
        let metadata = violations.check(Metadata::parse("info.metadata", info.metadata.unwrap_or_default()));
        if info.size_bytes.is_some_and(|size| size < 1) {
            violations.push(Violation::new("info.size_bytes", "must be at least 1"));
        }
        let (filename, metadata) = violations.into_result(filename.zip(metadata))?;
        if info.size_bytes.is_some_and(|size| size > max_bytes) {
            return Err(Error::TooLarge { limit: max_bytes });
        }
        let declared = Declared::parse(&info.content_type)?;
        Ok(Self { filename, declared, size_bytes: info.size_bytes, metadata })
    }
}
