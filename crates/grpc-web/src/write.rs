//! Encodes the bodies of native gRPC responses as gRPC-web.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tonic::{Status, body::Body};

use crate::{
    frame::{Frames, TrailerFrame},
    head::Head,
    media_type::Encoding,
    status::trailers_from_status,
    text::{self, Flush},
    trailers,
};

/// Data below this size is joined with the data that follows at once, so that a small message and its trailers are one
/// write. Binary data of this size or more is passed on without a copy.
const JOIN_BYTES: usize = 16 * 1024;

/// Reserved space for the trailers of a call without metadata, so that they rarely need a second allocation.
const TRAILERS_ROOM: usize = 64;

/// The body of a gRPC response, encoded as the body of a gRPC-web response. It ends with a trailer frame that contains a
/// status. Only if the gRPC body ends inside a message does this body end with an error.
pub(crate) struct WebBody {
    /// `None` after the end or an error.
    inner: Option<Body>,
    encoding: Encoding,
    frames: Frames,
    head: Head,
    /// Small data that waits for more data, not yet in base64.
    joined: BytesMut,
    /// Large data that is written after `joined`.
    large: Bytes,
    /// The error that the body will end with.
    cut: Option<Status>,
}

impl WebBody {
    pub(crate) fn new(inner: Body, encoding: Encoding, head: Head) -> Self {
        Self {
            inner: Some(inner),
            encoding,
            frames: Frames::new(TrailerFrame::Reject),
            head,
            joined: BytesMut::new(),
            large: Bytes::new(),
            cut: None,
        }
    }

    /// Polls the inner body until there is data to write; `None` at the end.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Status>>> {
        loop {
            if !self.large.is_empty() {
                return Poll::Ready(Some(Ok(std::mem::take(&mut self.large))));
            }
            let Some(inner) = &mut self.inner else {
                return Poll::Ready(self.cut.take().map(Err));
            };
            let written = match Pin::new(inner).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.accept(data),
                    Err(frame) => self.conclude(frame.into_trailers().ok()),
                },
                Poll::Ready(Some(Err(status))) => self.fail(&status),
                Poll::Ready(None) => self.conclude(None),
                Poll::Pending if self.joined.is_empty() => return Poll::Pending,
                Poll::Pending => Some(self.take_joined(Flush::All)),
            };
            if let Some(written) = written {
                return Poll::Ready(Some(Ok(written)));
            }
        }
    }

    /// Accepts data from the inner body, and returns the data to write now.
    fn accept(&mut self, data: Bytes) -> Option<Bytes> {
        let began_at_boundary = self.frames.at_boundary();
        if self.frames.pass_messages(&data).ok() != Some(data.len()) {
            let status = Status::internal("The response body is not a sequence of gRPC messages");
            return if began_at_boundary { Some(self.end(&status)) } else { self.cut(status) };
        }
        if self.encoding == Encoding::Binary && data.len() >= JOIN_BYTES {
            if self.joined.is_empty() {
                return Some(data);
            }
            self.large = data;
            return Some(self.take_joined(Flush::WholeGroups));
        }
        if self.joined.is_empty() {
            self.joined.reserve(data.len() + TRAILERS_ROOM);
        }
        self.joined.extend_from_slice(&data);
        (self.joined.len() >= JOIN_BYTES).then(|| self.take_joined(Flush::WholeGroups))
    }

    fn take_joined(&mut self, flush: Flush) -> Bytes {
        match self.encoding {
            Encoding::Binary => self.joined.split().freeze(),
            Encoding::Text => text::encode(&mut self.joined, flush),
        }
    }

    /// Ends the body after the inner body has ended.
    fn conclude(&mut self, trailers: Option<HeaderMap>) -> Option<Bytes> {
        if !self.frames.at_boundary() {
            return self.fail(&Status::internal("The response ended inside a message"));
        }
        let trailers = self.head.conclude(trailers, self.frames.body_kind());
        Some(self.write_last(&trailers))
    }

    /// Ends the body after the inner body has failed: with a status between two frames, with an error inside a frame.
    fn fail(&mut self, status: &Status) -> Option<Bytes> {
        tracing::warn!(error = status as &dyn std::error::Error, "a response was interrupted");
        // The details of a transport error are for the operator, not for the caller.
        let sent = match std::error::Error::source(status) {
            Some(_) => Status::new(status.code(), "The response was interrupted"),
            None => status.clone(),
        };
        if self.frames.at_boundary() { Some(self.end(&sent)) } else { self.cut(sent) }
    }

    fn end(&mut self, status: &Status) -> Bytes {
        self.write_last(&trailers_from_status(status))
    }

    /// The last write: the waiting data and the trailers.
    fn write_last(&mut self, trailers: &HeaderMap) -> Bytes {
        self.inner = None;
        trailers::write(trailers, &mut self.joined);
        self.take_joined(Flush::All)
    }

    /// Ends the body with an error after the waiting data.
    fn cut(&mut self, status: Status) -> Option<Bytes> {
        self.inner = None;
        self.cut = Some(status);
        (!self.joined.is_empty()).then(|| self.take_joined(Flush::All))
    }
}

impl HttpBody for WebBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.poll_write(cx).map_ok(Frame::data)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_none() && self.large.is_empty() && self.cut.is_none()
    }
}
