//! The client's side: a gRPC service for its caller, which sends gRPC-web over any HTTP call.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode, Version,
    header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, TE},
};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use tonic::{Code, Status, body::Body};
use tower_service::Service;

use crate::{
    error::Error,
    head::Head,
    media_type::{Encoding, MediaType},
    read::ResponseBody,
    service::X_GRPC_WEB,
    status::{GRPC_STATUS, status_from_http},
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Calls a gRPC-web server through `S`, any service that makes an HTTP call. A generated client can use it as its channel.
///
/// It sends requests in the binary form, as streams, and reads responses in both forms. Every response ends with a status:
/// one that ends early or is not gRPC-web becomes an error with the code that gRPC defines for it. If `S` cannot make a call,
/// the call fails with UNAVAILABLE, unless the error of `S` is a [`Status`]. It also fails with UNAVAILABLE if a proxy
/// responds that the server is not available.
#[derive(Clone, Debug)]
pub struct GrpcWebClient<S> {
    inner: S,
}

impl<S> GrpcWebClient<S> {
    /// Sends gRPC-web calls through `inner`.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, R, B> Service<Request<R>> for GrpcWebClient<S>
where
    S: Service<Request<R>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Status;
    type Future = ClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        self.inner.poll_ready(cx).map_err(call_failed)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        ClientFuture { call: self.inner.call(web_request(request)) }
    }
}

/// The request as gRPC-web. Its body is unchanged, because the frames of a request are the same in both protocols.
fn web_request<R>(mut request: Request<R>) -> Request<R> {
    *request.version_mut() = Version::default();
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, Encoding::Binary.content_type());
    headers.insert(ACCEPT, Encoding::Binary.content_type());
    headers.insert(X_GRPC_WEB, HeaderValue::from_static("1"));
    headers.remove(TE);
    request
}

/// The response as gRPC.
///
/// # Errors
/// If a proxy responded that the server is not available.
fn grpc_response<B>(mut response: Response<B>) -> Result<Response<Body>, Status>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let encoding = match MediaType::of(response.headers()) {
        MediaType::Web(encoding) => Some(encoding),
        // A status in the headers is the complete response, whatever the body is.
        _ if response.headers().contains_key(GRPC_STATUS) => None,
        MediaType::UnknownWeb => return Ok(Status::from(Error::MessageFormat).into_http()),
        MediaType::Grpc | MediaType::Other => return not_grpc_web(response.status()),
    };
    let head = Head::take(&mut response);
    *response.status_mut() = StatusCode::OK;
    *response.version_mut() = Version::HTTP_2;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.remove(CONTENT_LENGTH);
    Ok(response.map(|body| {
        Body::new(match encoding {
            Some(encoding) => ResponseBody::new(Body::new(body), encoding, head),
            None => ResponseBody::new(Body::empty(), Encoding::Binary, head),
        })
    }))
}

fn not_grpc_web(http: StatusCode) -> Result<Response<Body>, Status> {
    let message = format!("The response (HTTP {}) is not gRPC-web", http.as_u16());
    let status = Status::new(status_from_http(http), message);
    // The response comes from a proxy or a runtime that cannot reach the server.
    if status.code() == Code::Unavailable { Err(status) } else { Ok(status.into_http()) }
}

fn call_failed(error: impl Into<BoxError>) -> Status {
    Status::try_from_error(error.into()).unwrap_or_else(|error| {
        let mut status = Status::unavailable("The server could not be reached");
        status.set_source(Arc::from(error));
        status
    })
}

pin_project! {
    /// The future of a [`GrpcWebClient`]'s response.
    #[derive(Debug)]
    pub struct ClientFuture<F> {
        #[pin]
        call: F,
    }
}

impl<F, B, E> Future for ClientFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    E: Into<BoxError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, Status>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(ready!(self.project().call.poll(cx)).map_err(call_failed).and_then(grpc_response))
    }
}
