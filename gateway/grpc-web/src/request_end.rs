//! The end of a request, said aloud.
//!
//! gRPC-web lets a request just end. Where a transport cannot tell an end from a sender that broke off, as between two
//! Workers, half an upload would pass for a whole one. A client that is told to ([`MarkEnd`]) says in a header that the
//! body ends with a trailer frame, and a [`crate::GrpcWeb`] that finds the header takes any other end for an error.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header::CONTENT_LENGTH};
use http_body::{Body as HttpBody, Frame};
use tonic::{Status, body::Body};
use tower_service::Service;

/// Says that the body of a request ends with a trailer frame.
const HEADER: HeaderName = HeaderName::from_static("x-grpc-web-request-end");
const TRAILER_FRAME: HeaderValue = HeaderValue::from_static("trailer-frame");

/// A trailer frame of no trailers.
const END: Bytes = Bytes::from_static(&[crate::frame::TRAILERS, 0, 0, 0, 0]);

/// How the body of a request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestEnd {
    /// After any message, as the protocol has it.
    Silent,
    /// With a trailer frame.
    Marked,
}

impl RequestEnd {
    /// Takes what the headers say out of them: it is about this hop.
    pub(crate) fn take(headers: &mut HeaderMap) -> Self {
        match headers.remove(HEADER) {
            Some(value) if value == TRAILER_FRAME => Self::Marked,
            Some(_) | None => Self::Silent,
        }
    }
}

/// Marks the end of every request that goes through to `S`; for [`crate::GrpcWebClient`]s of a [`crate::GrpcWeb`], since
/// other servers need not know such a mark.
#[derive(Clone, Debug)]
pub struct MarkEnd<S> {
    inner: S,
}

impl<S> MarkEnd<S> {
    /// Marks what `inner` is called with.
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

/// A body, and the mark behind its end.
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
        // gRPC has no request trailers: whatever is no data is the end.
        let data = frame.filter(Frame::is_data);
        self.ended = data.is_none();
        Poll::Ready(Some(Ok(data.unwrap_or_else(|| Frame::data(END)))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
