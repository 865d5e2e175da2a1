//! The messages of an upload, decoded.

use aip::{Violation, Violations};
use bytes::{Bytes, BytesMut};
use proto::images::v1::{self as pb, upload_image_request::Payload};
use tonic::Streaming;

use crate::{
    error::{Error, Result},
    format::{Declared, Format},
    image::{Filename, Metadata},
};

/// What an upload says of itself ahead of its bytes.
pub(super) struct Info {
    pub(super) filename: Option<Filename>,
    pub(super) declared: Declared,
    pub(super) size_bytes: Option<i32>,
    pub(super) metadata: Metadata,
}

/// An upload that is being received.
pub(crate) struct Incoming {
    messages: Streaming<pb::UploadImageRequest>,
    /// Bytes that have been looked at, but not taken.
    opening: Option<Bytes>,
}

impl Incoming {
    /// The upload that these messages are.
    pub(crate) const fn new(messages: Streaming<pb::UploadImageRequest>) -> Self {
        Self { messages, opening: None }
    }

    /// The first message.
    pub(super) async fn info(&mut self, max_bytes: i32) -> Result<Info> {
        match self.payload().await? {
            Some(Payload::Info(info)) => decode(info, max_bytes),
            Some(Payload::Data(_)) | None => Err(Violation::new("info", "must be sent first").into()),
        }
    }

    /// The first bytes, enough to tell a format by; [`Self::next`] will answer them again.
    pub(super) async fn opening(&mut self) -> Result<Bytes> {
        let mut opening = self.next().await?.unwrap_or_default();
        while opening.len() < Format::SNIFFED_BYTES {
            let Some(more) = self.next().await? else { break };
            let mut joined = BytesMut::with_capacity(opening.len() + more.len());
            joined.extend_from_slice(&opening);
            joined.extend_from_slice(&more);
            opening = joined.freeze();
        }
        if opening.is_empty() {
            return Err(Violation::new("data", "must not be empty").into());
        }
        self.opening = Some(opening.clone());
        Ok(opening)
    }

    /// The next bytes, never none of them; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        if let Some(opening) = self.opening.take() {
            return Ok(Some(opening));
        }
        loop {
            match self.payload().await? {
                Some(Payload::Data(data)) if data.is_empty() => {}
                Some(Payload::Data(data)) => return Ok(Some(data)),
                Some(Payload::Info(_)) => {
                    return Err(Violation::new("info", "must be sent once, ahead of the data").into());
                }
                None => return Ok(None),
            }
        }
    }

    async fn payload(&mut self) -> Result<Option<Payload>> {
        match self.messages.message().await.map_err(Error::Stream)? {
            Some(pb::UploadImageRequest { payload: Some(payload) }) => Ok(Some(payload)),
            Some(pb::UploadImageRequest { payload: None }) => {
                Err(Violation::new("payload", "must be set in every message").into())
            }
            None => Ok(None),
        }
    }
}

fn decode(info: pb::UploadInfo, max_bytes: i32) -> Result<Info> {
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
    Ok(Info { filename, declared, size_bytes: info.size_bytes, metadata })
}
