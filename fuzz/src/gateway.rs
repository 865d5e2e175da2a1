//! The gateway, called with HTTP requests.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use futures_executor::block_on;
use gateway_core::{Config, Gateway, Ports, Upstreams};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, StreamBody};
use identity::{Authenticator, Grant, Keys, Policy, Secret, UserId};
use runtime::Timestamp;
use tower::ServiceExt as _;

use crate::{Clock, NOW, SECRET, upstream::Upstream};

/// A client with a valid token.
pub struct Client {
    gateway: Gateway,
    authorization: HeaderValue,
}

/// The response to a request.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// `None` if the body ended with an error.
    pub body: Option<Bytes>,
}

impl Default for Client {
    fn default() -> Self {
        let secret = Secret::new(SECRET).unwrap();
        let subject = UserId::parse("client").unwrap();
        let ttl = Duration::from_secs(3600);
        let grant = Grant { subject: &subject, scope: None, ttl, issuer: None, audience: None };
        let token = identity::mint(&secret, &grant, Timestamp::from_millis(NOW * 1000));
        let authenticator = Authenticator::new(Keys::Secret(secret), Policy::default(), Clock);
        let ports = Ports { authenticator, clock: Clock, entropy: Zeros, timer: Never };
        let upstreams = Upstreams::new()
            .with("reticle.images.v1.ImagesService", Upstream::default())
            .with("reticle.annotations.v1.AnnotationsService", Upstream::default());
        let config = Config { max_discarded_bytes: 0, ..Config::default() };
        let gateway = Gateway::new(config, proto::FILE_DESCRIPTOR_SET, upstreams, ports).unwrap();
        Self { gateway, authorization: HeaderValue::from_str(&format!("Bearer {token}")).unwrap() }
    }
}

impl Client {
    /// Sends a request whose body arrives in `body`'s chunks, and reads the whole response. `None` if the method, the URI or a
    /// header is one that an HTTP library rejects, so that no such request reaches the gateway.
    pub fn send(
        &self,
        method: &[u8],
        uri: &[u8],
        headers: &[(&str, &[u8])],
        body: Vec<Bytes>,
    ) -> Option<Reply> {
        let body = body.into_iter().map(|piece| Ok::<_, std::io::Error>(http_body::Frame::data(piece)));
        let mut request = Request::new(StreamBody::new(futures_util::stream::iter(body)));
        *request.method_mut() = Method::from_bytes(method).ok()?;
        *request.uri_mut() = Uri::try_from(uri).ok()?;
        request.headers_mut().insert(http::header::AUTHORIZATION, self.authorization.clone());
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            request.headers_mut().append(name, HeaderValue::from_bytes(value).ok()?);
        }
        let response = block_on(self.gateway.clone().oneshot(request)).unwrap();
        let (head, body) = response.into_parts();
        let body = block_on(body.collect()).ok().map(|body| body.to_bytes());
        Some(Reply { status: head.status, headers: head.headers, body })
    }
}

impl Reply {
    /// Checks what every response must have: a request id, and for a client error the documented JSON body.
    pub fn check(&self) {
        assert!(self.headers.contains_key("x-request-id"));
        if self.status.is_client_error()
            && self.headers.get("content-type").is_some_and(|t| t == "application/json")
        {
            let body = self.body.as_deref().expect("the body of an error ends early");
            let error: serde_json::Value = serde_json::from_slice(body).expect("an error is not JSON");
            assert!(error["error"].is_string() && error["code"].is_string(), "{error}");
        }
    }
}

#[derive(Clone)]
struct Zeros;

impl runtime::Entropy for Zeros {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// Timers never fire.
#[derive(Clone)]
struct Never;

impl runtime::Timer for Never {
    fn sleep(&self, _: Duration) -> impl Future<Output = ()> + Send + 'static {
        std::future::pending()
    }
}
