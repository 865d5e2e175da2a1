//! Plain HTTP: the gateway's own paths, then the contract's.

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, ETAG},
    request::Parts,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tonic::body::Body;

use crate::{
    Config,
    answer::{self, Problems},
    conditional,
    contract::{Contract, Mismatch, quote},
    error::Error,
    exchange::Exchange,
    gateway::{Shared, note},
    health, openapi, rest,
};

/// The bytes of a SHA-256 that tell two documents apart well enough.
const TAG_BYTES: usize = 16;

/// Answers made once, at the start.
pub(crate) struct OwnPages {
    /// The full names of the contract's services.
    pub(crate) services: Vec<String>,
    index: Bytes,
    health: Bytes,
    openapi: Bytes,
    openapi_tag: HeaderValue,
}

impl OwnPages {
    pub(crate) fn new(config: &Config, contract: &Contract) -> Self {
        let mut services: Vec<_> = contract.methods().iter().map(|m| m.service.full_name.clone()).collect();
        services.dedup();
        let index = json!({
            "services": services,
            "links": { "openapi": "/openapi.json", "health": "/health", "ready": "/readyz", "live": "/livez" },
        });
        let health = json!({"status": "ok", "region": config.region});
        let openapi = Bytes::from(openapi::document(contract));
        let hash = Sha256::digest(&openapi);
        let tag: String = hash.iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
        let openapi_tag = HeaderValue::try_from(quote(&tag)).unwrap_or(HeaderValue::from_static("\"\""));
        Self {
            services,
            index: index.to_string().into(),
            health: health.to_string().into(),
            openapi,
            openapi_tag,
        }
    }
}

/// The paths that are the gateway's own; all of them take GET and HEAD.
#[derive(Clone, Copy)]
enum OwnPage {
    Index,
    Health,
    Live,
    Ready,
    OpenApi,
}

impl OwnPage {
    fn at(path: &str) -> Option<(Self, &'static str)> {
        Some(match path {
            "/" => (Self::Index, "/"),
            "/health" => (Self::Health, "/health"),
            "/livez" => (Self::Live, "/livez"),
            "/readyz" => (Self::Ready, "/readyz"),
            "/openapi.json" => (Self::OpenApi, "/openapi.json"),
            _ => return None,
        })
    }
}

/// Answers a request that is no gRPC.
pub(crate) async fn answer(shared: &Shared, exchange: &Exchange, request: Request<Body>) -> Response<Body> {
    let problems = Problems { schemas: &shared.schemas, request_id: exchange.id() };
    let (head, body) = request.into_parts();
    if let Some((page, route)) = OwnPage::at(head.uri.path()) {
        note("route", route);
        return own(shared, page, &head).await.unwrap_or_else(|error| problems.answer(error, None));
    }
    match shared.contract.find(&head.method, head.uri.path()) {
        Ok(found) => rest::answer(&rest::Call { shared, exchange, head: &head, found }, body, problems).await,
        Err(Mismatch::MethodNotAllowed { allow }) if head.method == Method::OPTIONS => options(&allow),
        Err(Mismatch::MethodNotAllowed { allow }) => problems.answer(Error::MethodNotAllowed(allow), None),
        Err(Mismatch::NotFound) => problems.answer(Error::NotFound, None),
    }
}

async fn own(shared: &Shared, page: OwnPage, head: &Parts) -> Result<Response<Body>, Error> {
    let pages = &shared.own_pages;
    let allowed = [Method::GET, Method::HEAD];
    if head.method == Method::OPTIONS {
        return Ok(options(&allowed));
    }
    if !allowed.contains(&head.method) {
        return Err(Error::MethodNotAllowed(allowed.to_vec()));
    }
    Ok(match page {
        OwnPage::Index => answer::json(StatusCode::OK, pages.index.clone()),
        OwnPage::Health => answer::json(StatusCode::OK, pages.health.clone()),
        OwnPage::Live => answer::json(StatusCode::OK, Bytes::from_static(br#"{"status":"ok"}"#)),
        OwnPage::Ready => health::ready(shared).await,
        OwnPage::OpenApi => {
            let mut response = answer::json(StatusCode::OK, pages.openapi.clone());
            response.headers_mut().insert(ETAG, pages.openapi_tag.clone());
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            conditional::unless_current(&head.method, &head.headers, response)
        }
    })
}

/// What a path takes, to an OPTIONS that is no preflight.
fn options(allow: &[Method]) -> Response<Body> {
    let mut response = answer::empty(StatusCode::NO_CONTENT);
    response.headers_mut().extend(Error::MethodNotAllowed(allow.to_vec()).headers());
    response
}
