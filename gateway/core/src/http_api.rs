//! Plain HTTP: the gateway's own paths, then the contract's.

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, ETAG},
    request::Parts,
};
use tonic::body::Body;

use crate::{
    answer::{self, Problems},
    conditional,
    contract::Mismatch,
    error::Error,
    exchange::Exchange,
    health, rest,
    shared::{Shared, note},
};

/// What an RPC's own path takes.
const GRPC_MEDIA_TYPES: &str = "gRPC (application/grpc) or gRPC-web (application/grpc-web+proto)";

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
        Err(Mismatch::NotFound) if shared.has_rpc(head.uri.path()) => {
            rpc(&head.method).unwrap_or_else(|error| problems.answer(error, None))
        }
        Err(Mismatch::NotFound) => problems.answer(Error::NotFound, None),
    }
}

/// The response to a request for an RPC that is no call of it.
fn rpc(method: &Method) -> Result<Response<Body>, Error> {
    match *method {
        Method::POST => Err(Error::MediaType { expected: GRPC_MEDIA_TYPES.to_owned() }),
        Method::OPTIONS => Ok(options(&[Method::POST])),
        _ => Err(Error::MethodNotAllowed(vec![Method::POST])),
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
