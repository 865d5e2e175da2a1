//! Bodies that leave as gRPC-web and come from a native gRPC service.

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

/// Data below this size is joined with what follows at once, so that a small reply and its trailers are one write.
/// Binary data of this size or more is passed on without a copy.
const JOIN_BYTES: usize = 16 * 1024;

/// Room for the trailers of a call without metadata of its own, so that they mostly need no second allocation.
const TRAILERS_ROOM: usize = 64;

/// The body of a gRPC response as that of a gRPC-web response. It ends with a trailer frame that holds a status; only
/// where the gRPC body breaks off inside a message, it breaks off too.
pub(crate) struct WebBody {
    /// `None` after the end or an error.
    inner: Option<Body>,
    encoding: Encoding,
    frames: Frames,
    head: Head,
    /// Small data that waits for more, not yet in base64.
    joined: BytesMut,
    /// Large data that waits for `joined` to leave ahead of it.
    large: Bytes,
    /// The error that the body is to end with.
    cut: Option<Status>,
}

impl WebBody {
    pub(crate) fn new(inner: Body, encoding: Encoding, head: Head) -> Self {
        Self {
            inner: Some(inner),
            encoding,
            frames: Frames::new(TrailerFrame::Refuse),
            head,
            joined: BytesMut::new(),
            large: Bytes::new(),
            cut: None,
        }
    }

    /// Moves the body on until there is something to write; `None` at the end.
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

    /// Takes data in; the answer is what is to be written now.
    fn accept(&mut self, data: Bytes) -> Option<Bytes> {
        let began_at_boundary = self.frames.at_boundary();
        if self.frames.pass_messages(&data).ok() != Some(data.len()) {
            let status = Status::internal("The answer is not made of gRPC messages");
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

    /// Ends a body whose inner one ended.
    fn conclude(&mut self, trailers: Option<HeaderMap>) -> Option<Bytes> {
        if !self.frames.at_boundary() {
            return self.fail(&Status::internal("The answer ended inside a message"));
        }
        let trailers = self.head.conclude(trailers, self.frames.body_kind());
        Some(self.write_last(&trailers))
    }

    /// Ends a body whose inner one failed: by a status where a frame may begin, by an error elsewhere.
    fn fail(&mut self, status: &Status) -> Option<Bytes> {
        tracing::warn!(error = status as &dyn std::error::Error, "an answer broke off");
        // A failure of the transport is the operator's to read, not the caller's.
        let sent = match std::error::Error::source(status) {
            Some(_) => Status::new(status.code(), "The answer broke off"),
            None => status.clone(),
        };
        if self.frames.at_boundary() { Some(self.end(&sent)) } else { self.cut(sent) }
    }

    fn end(&mut self, status: &Status) -> Bytes {
        self.write_last(&trailers_from_status(status))
    }

    /// The last write: what waits, and the trailers behind it.
    fn write_last(&mut self, trailers: &HeaderMap) -> Bytes {
        self.inner = None;
        trailers::write(trailers, &mut self.joined);
        self.take_joined(Flush::All)
    }

    /// Breaks the body off behind what waits.
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
