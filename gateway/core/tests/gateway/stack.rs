//! Starts one gateway with one scripted service, in one call.

use std::time::Duration;

use bytes::Bytes;
use gateway_core::{AllowedOrigins, Config, Gateway, Ports, Upstreams};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use identity::{Authenticator, Grant, Keys, Policy, Secret, UserId, mint};
use proto::{
    annotations::v1::annotations_service_server::AnnotationsServiceServer,
    images::v1::images_service_server::ImagesServiceServer,
};
use runtime::{Clock, Entropy, Instant, Timer, Timestamp};
use serde_json::Value;
use tonic::body::Body;
use tower::ServiceExt as _;

use crate::service::Scripted;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
pub(crate) const IMAGES: &str = "reticle.images.v1.ImagesService";
pub(crate) const ANNOTATIONS: &str = "reticle.annotations.v1.AnnotationsService";

#[derive(Clone)]
pub(crate) struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn instant(&self) -> Instant {
        Instant::from_elapsed(Duration::ZERO)
    }
}

#[derive(Clone)]
pub(crate) struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

/// Tests pause tokio's time, so they do not really wait.
#[derive(Clone)]
pub(crate) struct TokioTimer;

impl Timer for TokioTimer {
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        tokio::time::sleep(duration)
    }
}

pub(crate) struct Stack {
    pub(crate) gateway: Gateway,
    pub(crate) service: Scripted,
}

pub(crate) fn start() -> Stack {
    start_with(config())
}

pub(crate) fn config() -> Config {
    Config {
        allowed_origins: AllowedOrigins::parse(["https://app.example.com"]).unwrap(),
        region: "test".to_owned(),
        ..Config::default()
    }
}

pub(crate) fn start_with(config: Config) -> Stack {
    let service = Scripted::default();
    let annotations = AnnotationsServiceServer::new(service.clone());
    let annotations = annotations.max_decoding_message_size(aip::MAX_MESSAGE_BYTES);
    let upstreams = Upstreams::new()
        .with(IMAGES, ImagesServiceServer::new(service.clone()))
        .with(ANNOTATIONS, annotations);
    Stack { gateway: gateway(config, upstreams).unwrap(), service }
}

pub(crate) fn gateway(config: Config, upstreams: Upstreams) -> Result<Gateway, gateway_core::StartError> {
    // There must always be a subscriber: tracing may disable a log call for good if it first runs without one, and the
    // log tests run in parallel with tests that set none.
    drop(tracing::subscriber::set_global_default(tracing_subscriber::registry()));
    gateway_to(proto::FILE_DESCRIPTOR_SET, config, upstreams)
}

/// A gateway for a test's own contract.
pub(crate) fn gateway_to(
    descriptor_set: &[u8],
    config: Config,
    upstreams: Upstreams,
) -> Result<Gateway, gateway_core::StartError> {
    let authenticator = Authenticator::new(Keys::Secret(secret()), Policy::default(), FixedClock);
    let ports = Ports { authenticator, clock: FixedClock, entropy: Sevens, timer: TokioTimer };
    Gateway::new(config, descriptor_set, upstreams, ports)
}

/// The descriptor set of a test's own contract, the text of a `.proto` file.
pub(crate) fn descriptor_set(contract: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contract.proto");
    std::fs::write(&file, contract).unwrap();
    let proto = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto");
    let mut compiler = protox::Compiler::new([folder.path(), std::path::Path::new(proto)]).unwrap();
    compiler.include_imports(true).open_file(&file).unwrap().encode_file_descriptor_set()
}

fn secret() -> Secret {
    Secret::new(&[1; 32]).unwrap()
}

/// A token of `alice` that is valid for an hour.
pub(crate) fn token() -> String {
    token_for(Duration::from_hours(1))
}

pub(crate) fn token_for(ttl: Duration) -> String {
    let subject = UserId::parse("alice").unwrap();
    let grant = Grant { subject: &subject, scope: None, ttl, issuer: None, audience: None };
    mint(&secret(), &grant, NOW)
}

/// A request of `alice`; `method_and_path` as in `GET /api/images`.
pub(crate) fn request(method_and_path: &str) -> RequestBuilder {
    anonymous(method_and_path).header("authorization", &format!("Bearer {}", token()))
}

/// A request without a token.
pub(crate) fn anonymous(method_and_path: &str) -> RequestBuilder {
    let (method, path) = method_and_path.split_once(' ').unwrap();
    let request = Request::new(Body::empty());
    let (mut head, body) = request.into_parts();
    head.method = Method::from_bytes(method.as_bytes()).unwrap();
    head.uri = path.parse().unwrap();
    head.headers.insert("host", "api.example.com".parse().unwrap());
    RequestBuilder(Request::from_parts(head, body))
}

pub(crate) struct RequestBuilder(Request<Body>);

impl RequestBuilder {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.0.headers_mut().append(name, value.parse().unwrap());
        self
    }

    pub(crate) fn replace_header(mut self, name: &'static str, value: &str) -> Self {
        self.0.headers_mut().remove(name);
        self.header(name, value)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    /// A body with a declared length.
    pub(crate) fn body(self, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let length = body.len().to_string();
        self.header("content-length", &length).streamed(Body::new(Full::new(body)))
    }

    /// A body without a declared length.
    pub(crate) fn streamed(self, body: Body) -> Self {
        Self(self.0.map(|_| body))
    }

    pub(crate) fn build(self) -> Request<Body> {
        self.0
    }

    pub(crate) async fn send(self, stack: &Stack) -> Reply {
        let response = self.send_open(stack).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Reply { status: head.status, headers: head.headers, body }
    }

    /// Sends the request, and returns the response before its body is read.
    pub(crate) async fn send_open(self, stack: &Stack) -> Response<Body> {
        stack.gateway.clone().oneshot(self.0).await.unwrap()
    }
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("the body is not JSON: {:?}", self.body))
    }

    /// A header's only value; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next().map_or("", |value| value.to_str().unwrap());
        assert!(values.next().is_none(), "the header {name} is repeated");
        first
    }

    /// The HTTP status, the code and the message of an error. Checks the shape that all errors have.
    pub(crate) fn error(&self) -> (u16, String, String) {
        let body = self.json();
        assert_eq!(self.header("content-type"), "application/json");
        assert_eq!(body["request_id"], self.header("x-request-id"));
        assert!(body["details"].is_array());
        let text = |name: &str| body[name].as_str().unwrap().to_owned();
        (self.status.as_u16(), text("code"), text("error"))
    }
}
