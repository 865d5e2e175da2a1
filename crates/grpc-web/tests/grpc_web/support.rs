//! Scripted bodies, and calls through the server's or the client's side.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use grpc_web::{GrpcWeb, GrpcWebClient};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, request, response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use tonic::{Status, body::Body};
use tower::{ServiceExt as _, service_fn};

/// One step of a scripted body.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    /// Pending once; the reader is woken at once.
    Pause,
    Fail(Status),
}

/// A body that follows a script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(VecDeque<Step>);

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self(steps.into_iter().collect())
    }

    pub(crate) fn data(data: impl Into<Bytes>) -> Self {
        Self::new([Step::Data(data.into())])
    }

    pub(crate) fn into_steps(self) -> impl Iterator<Item = Step> {
        self.0.into_iter()
    }
}

impl HttpBody for Script {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.0.pop_front() {
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Step::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Some(Step::Fail(status)) => Poll::Ready(Some(Err(status))),
            Some(Step::Pause) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }
}

/// The content of a body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Read {
    pub(crate) writes: Vec<Bytes>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Read {
    pub(crate) fn data(&self) -> Vec<u8> {
        self.writes.concat()
    }

    pub(crate) fn trailer(&self, name: &str) -> Vec<String> {
        self.trailers.as_ref().map(|trailers| values(trailers, name)).unwrap_or_default()
    }
}

pub(crate) fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// A body that ended with an error.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    pub(crate) before: Read,
    pub(crate) status: Status,
}

pub(crate) async fn read(body: Body) -> Result<Read, Broken> {
    let mut body = body;
    let mut read = Read::default();
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => read.writes.push(data),
            Ok(Err(frame)) => {
                let twice = read.trailers.replace(frame.into_trailers().unwrap());
                assert!(twice.is_none(), "a body has trailers twice");
            }
            Err(status) => {
                assert!(body.frame().await.is_none(), "a body continues after an error");
                return Err(Broken { before: read, status });
            }
        }
    }
    assert!(body.frame().await.is_none(), "a body continues after its end");
    Ok(read)
}

pub(crate) fn frame(flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    [&[flags][..], &length.to_be_bytes(), payload].concat()
}

pub(crate) fn message(payload: &str) -> Vec<u8> {
    frame(0, payload.as_bytes())
}

pub(crate) fn trailer_frame(block: &str) -> Vec<u8> {
    frame(0x80, block.as_bytes())
}

pub(crate) fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            )
        })
        .collect()
}

pub(crate) fn request(content_type: &str, body: Script) -> Request<Script> {
    let mut request = Request::post("/echo.v1.Echo/Say").body(body).unwrap();
    request.headers_mut().insert("content-type", content_type.parse().unwrap());
    request
}

/// A response of a native gRPC service.
pub(crate) fn grpc_response(body: Script) -> Response<Script> {
    http_response("application/grpc", body)
}

pub(crate) fn http_response(content_type: &str, body: Script) -> Response<Script> {
    let mut response = Response::new(body);
    response.headers_mut().insert("content-type", content_type.parse().unwrap());
    response
}

/// A successful response with the message `hello`.
pub(crate) fn hello() -> Response<Script> {
    grpc_response(Script::new([
        Step::Data(message("hello").into()),
        Step::Trailers(headers(&[("grpc-status", "0")])),
    ]))
}

/// The request that the service behind a [`GrpcWeb`] received.
pub(crate) type Received = (request::Parts, Result<Read, Broken>);

/// Sends `request` through a [`GrpcWeb`] to a service that reads it all and responds with `response`.
pub(crate) async fn serve(
    request: Request<Script>,
    response: Response<Script>,
) -> (Option<Received>, Response<Body>) {
    let received = Arc::new(Mutex::new(None));
    let service = service_fn({
        let received = Arc::clone(&received);
        move |request: Request<Body>| {
            let (received, response) = (Arc::clone(&received), response.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = read(body).await;
                received.lock().unwrap().replace((parts, body));
                Ok::<_, Infallible>(response)
            }
        }
    });
    let response = GrpcWeb::new(service).oneshot(request).await.unwrap();
    let received = received.lock().unwrap().take();
    (received, response)
}

/// The body that a gRPC service behind a [`GrpcWeb`] receives for `request`.
pub(crate) async fn request_body(request: Request<Script>) -> Result<Read, Broken> {
    serve(request, hello()).await.0.unwrap().1
}

/// The body that a browser reads when the service behind responds with `response` to a binary request.
pub(crate) async fn response_body(response: Response<Script>) -> Result<Read, Broken> {
    let request = request("application/grpc-web+proto", Script::data(message("hi")));
    read(serve(request, response).await.1.into_body()).await
}

/// What a gRPC client behind a [`GrpcWebClient`] receives for `response`.
pub(crate) async fn receive(response: Response<Script>) -> (response::Parts, Result<Read, Broken>) {
    let (parts, body) = call(response).await.unwrap().into_parts();
    (parts, read(body).await)
}

async fn call(response: Response<Script>) -> Result<Response<Body>, Status> {
    let service =
        service_fn(move |_: Request<Body>| std::future::ready(Ok::<_, Infallible>(response.clone())));
    GrpcWebClient::new(service).oneshot(Request::new(Body::empty())).await
}

/// The status of a call whose response is `response`.
pub(crate) async fn outcome(response: Response<Script>) -> Status {
    let (parts, body) = match call(response).await {
        Ok(response) => response.into_parts(),
        Err(status) => return status,
    };
    match read(body).await {
        Err(broken) => broken.status,
        Ok(body) => grpc_web::status_from_trailers(body.trailers.as_ref().unwrap_or(&parts.headers)).unwrap(),
    }
}
