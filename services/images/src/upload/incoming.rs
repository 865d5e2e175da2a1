//! The message stream of an upload: a description, then the bytes, and then optionally a second description.

use aip::Violation;
use bytes::Bytes;
use futures_util::{Stream, stream};
use proto::images::v1::{self as pb, put_upload_request, upload_image_request};
use tonic::Streaming;

use crate::error::{Error, Result};

/// A message of a stream that begins with a description and continues with bytes.
pub(crate) trait Message: Send + 'static {
    /// The description.
    type Info: Send;

    /// Whether a second description may follow the bytes.
    const DESCRIBED_TWICE: bool;

    /// The rule for the position of the description, as a phrase that follows its name.
    const ORDER: &'static str;

    /// The content of the message; `None` if it has none.
    fn payload(self) -> Option<Payload<Self::Info>>;
}

/// The content of one message.
pub(crate) enum Payload<I> {
    Info(I),
    Data(Bytes),
}

impl Message for pb::UploadImageRequest {
    type Info = pb::UploadInfo;

    const DESCRIBED_TWICE: bool = true;
    const ORDER: &'static str = "must be sent before the data, and at most once more after it";

    fn payload(self) -> Option<Payload<Self::Info>> {
        Some(match self.payload? {
            upload_image_request::Payload::Info(info) => Payload::Info(info),
            upload_image_request::Payload::Data(data) => Payload::Data(data),
        })
    }
}

impl Message for pb::PutUploadRequest {
    type Info = pb::PutUploadInfo;

    const DESCRIBED_TWICE: bool = false;
    const ORDER: &'static str = "must be sent once, before the data";

    fn payload(self) -> Option<Payload<Self::Info>> {
        Some(match self.payload? {
            put_upload_request::Payload::Info(info) => Payload::Info(info),
            put_upload_request::Payload::Data(data) => Payload::Data(data),
        })
    }
}

/// An upload that is being received.
pub(crate) struct Incoming<M: Message> {
    messages: Streaming<M>,
    last_info: Option<M::Info>,
}

impl<M: Message> Incoming<M> {
    /// Reads an upload from these messages.
    pub(crate) const fn new(messages: Streaming<M>) -> Self {
        Self { messages, last_info: None }
    }

    /// Reads the first message, which must be the description.
    pub(crate) async fn info(&mut self) -> Result<M::Info> {
        match self.payload().await? {
            Some(Payload::Info(info)) => Ok(info),
            Some(Payload::Data(_)) | None => Err(Violation::new("info", "must be sent first").into()),
        }
    }

    /// Streams the bytes that follow, without empty chunks.
    pub(crate) fn data(&mut self) -> impl Stream<Item = Result<Bytes>> + Send {
        stream::try_unfold(
            self,
            |incoming| async move { Ok(incoming.next().await?.map(|data| (data, incoming))) },
        )
    }

    /// The description after the bytes; available once all bytes have been received.
    pub(crate) fn last_info(self) -> Option<M::Info> {
        self.last_info
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            match self.payload().await? {
                Some(Payload::Data(data)) if self.last_info.is_none() => {
                    if !data.is_empty() {
                        return Ok(Some(data));
                    }
                }
                Some(Payload::Info(info)) if M::DESCRIBED_TWICE && self.last_info.is_none() => {
                    self.last_info = Some(info);
                }
                Some(Payload::Data(_) | Payload::Info(_)) => {
                    return Err(Violation::new("info", M::ORDER).into());
                }
                None => return Ok(None),
            }
        }
    }

    async fn payload(&mut self) -> Result<Option<Payload<M::Info>>> {
        let Some(message) = self.messages.message().await.map_err(Error::Stream)? else { return Ok(None) };
        let payload =
            message.payload().ok_or_else(|| Violation::new("payload", "must be set in every message"))?;
        Ok(Some(payload))
    }
}
