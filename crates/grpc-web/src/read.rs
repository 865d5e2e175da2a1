//! Decodes gRPC-web bodies as native gRPC bodies.

use std::{
    error::Error as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tonic::{Code, Status, body::Body};

use crate::{
    error::Error,
    frame::{Frames, Piece, TrailerFrame},
    head::Head,
    media_type::Encoding,
    request_end::RequestEnd,
    text::TextDecoder,
    trailers,
};

type PolledFrame = Poll<Option<Result<Frame<Bytes>, Status>>>;

/// Reads the pieces of a gRPC-web body from its chunks.
struct Reader {
    inner: Body,
    text: Option<TextDecoder>,
    frames: Frames,
    end: RequestEnd,
    /// The rest of the last chunk, already decoded from base64.
    chunk: Bytes,
}

impl Reader {
    fn new(inner: Body, encoding: Encoding, trailer_frame: TrailerFrame, end: RequestEnd) -> Self {
        let text = match encoding {
            Encoding::Binary => None,
            Encoding::Text => Some(TextDecoder::default()),
        };
        Self { inner, text, frames: Frames::new(trailer_frame), end, chunk: Bytes::new() }
    }

    /// The next piece; `None` at a valid end of the body.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Piece>, Status>> {
        loop {
            match self.frames.next(&mut self.chunk)? {
                Piece::Nothing => {}
                piece @ (Piece::Messages(_) | Piece::Trailers(_)) => return Poll::Ready(Ok(Some(piece))),
            }
            match ready!(Pin::new(&mut self.inner).poll_frame(cx)?) {
                Some(frame) => self.accept(frame)?,
                None => return Poll::Ready(self.finish().map(|()| None).map_err(Status::from)),
            }
        }
    }

    /// Stores the data of a frame. HTTP trailers are ignored, because gRPC-web has its trailers in the body.
    fn accept(&mut self, frame: Frame<Bytes>) -> Result<(), Error> {
        if let Ok(data) = frame.into_data() {
            // Set before decoding. If the data is not base64, `chunk` is not empty, so that `read_last` returns the error.
            self.chunk = data;
            if let Some(text) = &mut self.text {
                self.chunk = text.decode(&self.chunk)?;
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Error> {
        self.text.as_ref().map_or(Ok(()), TextDecoder::finish)?;
        let may_end = match self.end {
            RequestEnd::Unmarked => self.frames.at_boundary(),
            RequestEnd::Marked => self.frames.at_end(),
        };
        if may_end { Ok(()) } else { Err(Error::Truncated) }
    }
}

/// The body of a gRPC-web request, decoded as the body of a gRPC request. A trailer frame is dropped.
pub(crate) struct RequestBody {
    /// `None` after the end or an error.
    reader: Option<Reader>,
}

impl RequestBody {
    pub(crate) fn new(inner: Body, encoding: Encoding, end: RequestEnd) -> Self {
        Self { reader: Some(Reader::new(inner, encoding, TrailerFrame::Skip, end)) }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> PolledFrame {
        let Some(reader) = &mut self.reader else { return Poll::Ready(None) };
        loop {
            match ready!(reader.poll_piece(cx)?) {
                Some(Piece::Messages(messages)) => return Poll::Ready(Some(Ok(Frame::data(messages)))),
                Some(Piece::Trailers(_) | Piece::Nothing) => {}
                None => return Poll::Ready(None),
            }
        }
    }
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> PolledFrame {
        let frame = ready!(self.poll(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.reader = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.reader.is_none()
    }
}

/// The body of a gRPC-web response, decoded as the body of a gRPC response. It ends with trailers that contain a status,
/// or with an error.
pub(crate) struct ResponseBody {
    /// `None` after the end or an error.
    reader: Option<Reader>,
    head: Head,
}

impl ResponseBody {
    pub(crate) fn new(inner: Body, encoding: Encoding, head: Head) -> Self {
        Self { reader: Some(Reader::new(inner, encoding, TrailerFrame::Keep, RequestEnd::Unmarked)), head }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> PolledFrame {
        let Some(reader) = &mut self.reader else { return Poll::Ready(None) };
        let trailers = match ready!(reader.poll_piece(cx)).map_err(to_unavailable)? {
            Some(Piece::Messages(messages)) => return Poll::Ready(Some(Ok(Frame::data(messages)))),
            Some(Piece::Trailers(block)) => Some(read_last(reader, &block, cx)?),
            Some(Piece::Nothing) | None => None,
        };
        let trailers = self.head.conclude(trailers, reader.frames.body_kind());
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }
}

/// Converts an error of the transport itself, which has lost the connection, to UNAVAILABLE. The error is kept as the source.
fn to_unavailable(status: Status) -> Status {
    if status.source().is_none() || status.code() != Code::Unknown {
        return status;
    }
    let mut unavailable = Status::unavailable("The response was interrupted");
    unavailable.set_source(Arc::new(status));
    unavailable
}

/// Reads the trailers, and polls once for what follows them. The sender may keep the body open, so this does not wait for
/// its end; but if the end is already there, it must be read, because only then can the connection be used again.
fn read_last(reader: &mut Reader, block: &[u8], cx: &mut Context<'_>) -> Result<HeaderMap, Status> {
    let trailers = trailers::read(block)?;
    match reader.poll_piece(cx) {
        Poll::Ready(Err(error)) if !reader.chunk.is_empty() => Err(error),
        Poll::Ready(_) | Poll::Pending => Ok(trailers),
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> PolledFrame {
        let frame = ready!(self.poll(cx));
        if !matches!(&frame, Some(Ok(frame)) if frame.is_data()) {
            self.reader = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.reader.is_none()
    }
}
