//! An explicit mark at the end of a request.
//!
//! In gRPC-web a request has no end mark. Some transports, such as that between two Workers, cannot distinguish a complete
//! body from an interrupted one, so that the server would accept half an upload as complete. A client with [`MarkEnd`]
//! therefore announces in a header that the body ends with a trailer frame. If a [`crate::GrpcWeb`] finds this header, it
//! rejects a body that ends without the frame.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header::CONTENT_LENGTH};
use http_body::{Body as HttpBody, Frame};
use tonic::{Status, body::Body};
use tower_service::Service;

/// The header which announces that the body of a request ends with a trailer frame.
const HEADER: HeaderName = HeaderName::from_static("x-grpc-web-request-end");
const TRAILER_FRAME: HeaderValue = HeaderValue::from_static("trailer-frame");

/// A trailer frame without trailers.
const END: Bytes = Bytes::from_static(&[crate::frame::TRAILERS, 0, 0, 0, 0]);

/// How the body of a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestEnd {
    /// After any message, as in the protocol.
    Unmarked,
    /// Only with a trailer frame.
    Marked,
}

impl RequestEnd {
    /// Reads the header and removes it, because it applies to this hop only.
    pub(crate) fn take(headers: &mut HeaderMap) -> Self {
        match headers.remove(HEADER) {
            Some(value) if value == TRAILER_FRAME => Self::Marked,
            Some(_) | None => Self::Unmarked,
        }
    }
}

/// Marks the end of every request to `S`. Use it in a [`crate::GrpcWebClient`] whose server is a [`crate::GrpcWeb`]: other
/// servers may not support the mark.
#[derive(Clone, Debug)]
pub struct MarkEnd<S> {
    inner: S,
}

impl<S> MarkEnd<S> {
    /// Marks the requests to `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for MarkEnd<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let headers = request.headers_mut();
        headers.insert(HEADER, TRAILER_FRAME);
        headers.remove(CONTENT_LENGTH);
        self.inner.call(request.map(|body| Body::new(Marked { body, ended: false })))
    }
}

/// A body, followed by the mark.
struct Marked {
    body: Body,
    ended: bool,
}

impl HttpBody for Marked {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx)?);
        // gRPC has no request trailers: a frame that is not data is the end.
        let data = frame.filter(Frame::is_data);
        self.ended = data.is_none();
        Poll::Ready(Some(Ok(data.unwrap_or_else(|| Frame::data(END)))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
