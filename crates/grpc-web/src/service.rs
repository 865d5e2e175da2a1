//! The server's side: translates gRPC-web calls to gRPC calls of the inner service, and passes all other requests unchanged.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{ACCEPT, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TE, TRAILER},
};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tonic::{Status, body::Body};
use tower_service::Service;

use crate::{
    error::Error,
    head::Head,
    media_type::{Encoding, MediaType},
    read::RequestBody,
    request_end::RequestEnd,
    status::{GRPC_STATUS, trailers_from_status},
    unbuffered::forbid_buffering,
    write::WebBody,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub(crate) const X_GRPC_WEB: HeaderName = HeaderName::from_static("x-grpc-web");
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// Translates gRPC-web to native gRPC in front of the inner service, so that browsers can call it.
///
/// A `POST` whose content type is gRPC-web reaches the inner service as gRPC. Its response is always HTTP 200 with the
/// status in a trailer frame, never in the headers: a page can read the body whether or not CORS exposes the headers. The
/// response's headers forbid proxies to buffer it ([`forbid_buffering`]). If the response of the inner service is not gRPC,
/// its HTTP status is converted to a gRPC status. A message format other than protobuf is rejected with 415. All other
/// requests, and their responses, pass unchanged.
#[derive(Clone, Debug)]
pub struct GrpcWeb<S> {
    inner: S,
}

impl<S> GrpcWeb<S> {
    /// Translates gRPC-web calls for `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, R, B> Service<Request<R>> for GrpcWeb<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let request = request.map(Body::new);
        let media_type = match *request.method() {
            Method::POST => MediaType::of(request.headers()),
            _ => MediaType::Other,
        };
        let action = match media_type {
            MediaType::Web(encoding) => Action::Translate {
                encoding: encoding.of_response(request.headers()),
                version: request.version(),
                call: self.inner.call(grpc_request(request, encoding)),
            },
            MediaType::UnknownWeb => Action::Reject,
            MediaType::Grpc | MediaType::Other => Action::Pass { call: self.inner.call(request) },
        };
        ResponseFuture { action }
    }
}

fn grpc_request(mut request: Request<Body>, encoding: Encoding) -> Request<Body> {
    *request.version_mut() = Version::HTTP_2;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    // The length was that of the gRPC-web body. The others apply only to this hop.
    for name in [CONTENT_LENGTH, ACCEPT, X_GRPC_WEB] {
        headers.remove(name);
    }
    let end = RequestEnd::take(headers);
    request.map(|body| Body::new(RequestBody::new(body, encoding, end)))
}

fn web_response<B>(response: Response<B>, encoding: Encoding, version: Version) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let is_grpc = is_grpc(response.headers());
    let mut response = response.map(|body| if is_grpc { Body::new(body) } else { Body::empty() });
    let head = Head::take(&mut response);
    *response.status_mut() = StatusCode::OK;
    *response.version_mut() = version;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, encoding.content_type());
    for name in [CONTENT_LENGTH, CONTENT_ENCODING, TRAILER] {
        headers.remove(name);
    }
    // The head does not show whether the response is a stream of messages, so every response is treated as one.
    forbid_buffering(headers);
    response.map(|body| Body::new(WebBody::new(body, encoding, head)))
}

/// Whether the response is gRPC. Some layers respond with a status and no content type.
fn is_grpc(headers: &HeaderMap) -> bool {
    MediaType::of(headers) == MediaType::Grpc || headers.contains_key(GRPC_STATUS)
}

/// HTTP 415, as gRPC requires, with a gRPC status for clients that read one.
fn unsupported_media_type() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    *response.headers_mut() = trailers_from_status(&Status::from(Error::MessageFormat));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, Encoding::Binary.content_type());
    let accepted = "application/grpc-web+proto, application/grpc-web-text+proto";
    headers.insert(ACCEPT_POST, HeaderValue::from_static(accepted));
    response
}

pin_project! {
    /// The future of a [`GrpcWeb`]'s response.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        action: Action<F>,
    }
}

pin_project! {
    #[project = Projected]
    #[derive(Debug)]
    enum Action<F> {
        Translate { #[pin] call: F, encoding: Encoding, version: Version },
        Reject,
        Pass { #[pin] call: F },
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().action.project() {
            Projected::Translate { call, encoding, version } => {
                ready!(call.poll(cx)).map(|response| web_response(response, *encoding, *version))
            }
            Projected::Reject => Ok(unsupported_media_type()),
            Projected::Pass { call } => ready!(call.poll(cx)).map(|response| response.map(Body::new)),
        })
    }
}
