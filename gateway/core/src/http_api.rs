//! Plain HTTP: the gateway's own pages, then the routes of the contract.

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, ETAG},
    request::Parts,
};
use tonic::body::Body;
use transcoding::contract::Mismatch;

use crate::{
    conditional,
    error::Error,
    exchange::Exchange,
    health,
    response::{self, ErrorEncoder},
    rest,
    shared::{Shared, record},
};

/// The protocols that an RPC's gRPC path accepts.
const GRPC_MEDIA_TYPES: &str = "gRPC (application/grpc) or gRPC-web (application/grpc-web+proto)";

/// The gateway's own pages. All of them accept GET and HEAD.
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

/// Handles a request that is not gRPC.
pub(crate) async fn handle(shared: &Shared, exchange: &Exchange, request: Request<Body>) -> Response<Body> {
    let errors = ErrorEncoder { schemas: shared.contract.schemas(), request_id: exchange.id() };
    let (head, body) = request.into_parts();
    if let Some((page, route)) = OwnPage::at(head.uri.path()) {
        record("route", route);
        return handle_own_page(shared, page, &head)
            .await
            .unwrap_or_else(|error| errors.encode_response(error, None));
    }
    match shared.contract.find(&head.method, head.uri.path()) {
        Ok(found) => rest::handle(&rest::Call { shared, exchange, head: &head, found }, body, errors).await,
        Err(Mismatch::MethodNotAllowed { allow }) if head.method == Method::OPTIONS => {
            encode_allowed_methods(&allow)
        }
        Err(Mismatch::MethodNotAllowed { allow }) => {
            errors.encode_response(Error::MethodNotAllowed(allow), None)
        }
        Err(Mismatch::NotFound) if shared.has_rpc(head.uri.path()) => {
            handle_rpc_path(&head.method).unwrap_or_else(|error| errors.encode_response(error, None))
        }
        Err(Mismatch::NotFound) => errors.encode_response(Error::NotFound, None),
    }
}

/// The response to a request at an RPC's gRPC path that is not a gRPC call.
fn handle_rpc_path(method: &Method) -> Result<Response<Body>, Error> {
    match *method {
        Method::POST => Err(Error::MediaType { expected: GRPC_MEDIA_TYPES.to_owned() }),
        Method::OPTIONS => Ok(encode_allowed_methods(&[Method::POST])),
        _ => Err(Error::MethodNotAllowed(vec![Method::POST])),
    }
}

async fn handle_own_page(shared: &Shared, page: OwnPage, head: &Parts) -> Result<Response<Body>, Error> {
    let pages = &shared.own_pages;
    let allowed = [Method::GET, Method::HEAD];
    if head.method == Method::OPTIONS {
        return Ok(encode_allowed_methods(&allowed));
    }
    if !allowed.contains(&head.method) {
        return Err(Error::MethodNotAllowed(allowed.to_vec()));
    }
    Ok(match page {
        OwnPage::Index => response::json(StatusCode::OK, pages.index.clone()),
        OwnPage::Health => response::json(StatusCode::OK, pages.health.clone()),
        OwnPage::Live => response::json(StatusCode::OK, Bytes::from_static(br#"{"status":"ok"}"#)),
        OwnPage::Ready => health::ready(shared).await,
        OwnPage::OpenApi => {
            let document = pages.openapi(&shared.contract);
            let mut response = response::json(StatusCode::OK, document.body.clone());
            response.headers_mut().insert(ETAG, document.tag.clone());
            response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            conditional::unless_current(&head.method, &head.headers, response)
        }
    })
}

/// The response to an OPTIONS that is not a CORS preflight: the methods that the path accepts.
fn encode_allowed_methods(allow: &[Method]) -> Response<Body> {
    let mut response = response::empty(StatusCode::NO_CONTENT);
    response.headers_mut().extend(Error::MethodNotAllowed(allow.to_vec()).headers());
    response
}
