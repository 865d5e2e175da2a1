//! A service made with tonic's server, as generated code does it, and calls to it with tonic's client.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::uri::PathAndQuery;
use tonic::{
    Code, Request, Response, Status, Streaming,
    body::Body,
    client::{Grpc, GrpcService},
    metadata::{MetadataMap, MetadataValue},
};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

/// The message of the error for the word `fail`.
pub(crate) const MESSAGE: &str = "\t100% no: ☺ 😈\r\n";
/// The details of that error: not valid UTF-8, and with a length that needs padding in base64.
pub(crate) const DETAILS: &[u8] = &[8, 9, 255, 0];

/// Returns the words that it receives; the word `fail` is an error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo;

type Codec = ProstCodec<String, String>;
type Words = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

fn codec() -> Codec {
    ProstCodec::new()
}

fn failure() -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert("x-hint", "retry: no".parse().unwrap());
    metadata.insert_bin("x-hint-bin", MetadataValue::from_bytes(&[1, 2]));
    Status::with_details_and_metadata(
        Code::FailedPrecondition,
        MESSAGE,
        Bytes::from_static(DETAILS),
        metadata,
    )
}

fn say(word: String) -> Result<String, Status> {
    if word == "fail" { Err(failure()) } else { Ok(word) }
}

async fn say_one(request: Request<String>) -> Result<Response<String>, Status> {
    let (metadata, _, word) = request.into_parts();
    let mut response = Response::new(say(word)?);
    for tag in metadata.get_all("x-tag") {
        response.metadata_mut().append("x-tag", tag.clone());
    }
    if let Some(data) = metadata.get_bin("x-data-bin") {
        response.metadata_mut().insert_bin("x-data-bin", data.clone());
    }
    Ok(response)
}

async fn say_words(request: Request<String>) -> Result<Response<Words>, Status> {
    let words: Vec<String> = request.into_inner().split(' ').map(str::to_owned).collect();
    Ok(Response::new(stream::iter(words).map(say).boxed()))
}

async fn join(request: Request<Streaming<String>>) -> Result<Response<String>, Status> {
    let mut stream = request.into_inner();
    let mut words = Vec::new();
    while let Some(word) = stream.message().await? {
        words.push(word);
    }
    Ok(Response::new(words.join(" ")))
}

impl<B> Service<http::Request<B>> for Echo
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>> + Send,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let mut server = tonic::server::Grpc::new(codec());
        Box::pin(async move {
            Ok(match request.uri().path() {
                "/echo.v1.Echo/Say" => server.unary(service_fn(say_one), request).await,
                "/echo.v1.Echo/SayWords" => server.server_streaming(service_fn(say_words), request).await,
                "/echo.v1.Echo/Join" => server.client_streaming(service_fn(join), request).await,
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

pub(crate) fn client<S>(service: S) -> Grpc<S> {
    Grpc::with_origin(service, http::Uri::from_static("http://echo.test"))
}

fn path(method: &str) -> PathAndQuery {
    format!("/echo.v1.Echo/{method}").parse().unwrap()
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The bounds that generated clients have for their service.
pub(crate) trait Calls:
    GrpcService<Body, ResponseBody = Body, Error: Into<BoxError>, Future: Send> + Send
{
}

impl<S> Calls for S where S: GrpcService<Body, ResponseBody = Body, Error: Into<BoxError>, Future: Send> + Send
{}

async fn ready<S: Calls>(client: &mut Grpc<S>) -> Result<(), Status> {
    client.ready().await.map_err(|error| Status::from_error(error.into()))
}

pub(crate) async fn unary<S: Calls>(
    client: &mut Grpc<S>,
    request: Request<String>,
) -> Result<Response<String>, Status> {
    ready(client).await?;
    client.unary(request, path("Say"), codec()).await
}

pub(crate) async fn server_stream<S: Calls>(
    client: &mut Grpc<S>,
    request: Request<String>,
) -> Result<Response<Streaming<String>>, Status> {
    ready(client).await?;
    client.server_streaming(request, path("SayWords"), codec()).await
}

pub(crate) async fn client_stream<S: Calls>(
    client: &mut Grpc<S>,
    words: impl IntoIterator<Item = String, IntoIter: Send + 'static> + Send,
) -> Result<Response<String>, Status> {
    ready(client).await?;
    client.client_streaming(Request::new(stream::iter(words)), path("Join"), codec()).await
}

pub(crate) async fn call_unknown<S: Calls>(client: &mut Grpc<S>) -> Result<Response<String>, Status> {
    ready(client).await?;
    client.unary(Request::new(String::new()), path("Nothing"), codec()).await
}
