//! The tower layer in front of a service.

use std::convert::Infallible;

use http::{Request, Response, header::AUTHORIZATION};
use identity::{AuthLayer, Caller, Scopes, UserId, caller};
use runtime::Timestamp;
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::fixture::{authenticator, claims, claims_with, hs256, secret};

/// A service that responds with the user of the request.
async fn whoami(request: Request<()>) -> Result<Response<String>, Infallible> {
    let user = request.extensions().get::<Caller>().map(|caller| caller.user_id().to_string());
    Ok(Response::new(user.unwrap_or_else(|| "nobody".to_owned())))
}

/// Calls the service through the layer.
async fn call(request: Request<()>) -> Response<String> {
    let layer = AuthLayer::new(authenticator(secret()).0, &["/a.Service/Open"]);
    layer.layer(service_fn(whoami)).oneshot(request).await.unwrap()
}

fn request(token: &str) -> Request<()> {
    Request::builder().header(AUTHORIZATION, format!("Bearer {token}")).body(()).unwrap()
}

#[tokio::test]
async fn a_valid_token_adds_the_caller_to_the_request() {
    assert_eq!(call(request(&hs256(&claims()))).await.body(), "alice");
}

#[tokio::test]
async fn a_request_without_a_token_passes_only_if_the_method_needs_none() {
    let mut request = Request::new(());
    *request.uri_mut() = "/a.Service/Open".parse().unwrap();
    assert_eq!(call(request.clone()).await.body(), "nobody");
    for path in ["/a.Service/Opened", "/a.Service/open", "/a.Service/", "/", "/b.Service/Open"] {
        *request.uri_mut() = path.parse().unwrap();
        let response = call(request.clone()).await;
        assert_eq!(response.body(), "", "{path}: the service was not called");
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(status.code(), Code::Unauthenticated, "{path}");
        assert_eq!(status.get_details_error_info().unwrap().reason, "TOKEN_MISSING");
    }
}

#[tokio::test]
async fn a_caller_that_is_not_from_a_token_is_removed() {
    let mut request = Request::builder().uri("/a.Service/Open").body(()).unwrap();
    let forged = Caller::new(
        UserId::parse("mallory").unwrap(),
        Scopes::DEFAULT,
        "".into(),
        Timestamp::from_millis(i64::MAX),
    );
    request.extensions_mut().insert(forged);
    assert_eq!(call(request).await.body(), "nobody");
}

#[tokio::test]
async fn an_invalid_token_is_rejected_with_a_challenge_before_the_service() {
    for (token, reason) in [
        ("forged", "TOKEN_INVALID"),
        (&hs256(&claims_with("exp", json!(1))), "TOKEN_EXPIRED"),
        (&hs256(&claims_with("nbf", json!(9_999_999_999_i64))), "TOKEN_NOT_YET_VALID"),
    ] {
        let response = call(request(token)).await;
        assert_eq!(response.body(), "", "the service was not called");
        assert_eq!(response.status(), http::StatusCode::OK);
        let headers = response.headers();
        assert_eq!(headers.get("content-type").unwrap(), "application/grpc");
        assert_eq!(headers.get("www-authenticate").unwrap(), r#"Bearer error="invalid_token""#);
        let status = Status::from_header_map(headers).unwrap();
        assert_eq!(status.code(), Code::Unauthenticated);
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, "reticle"));
    }
}

#[tokio::test]
async fn a_request_without_a_token_is_denied_with_a_challenge() {
    let request = Request::new(());
    let denied = caller(request.extensions(), identity::Scope::ImagesRead).unwrap_err();
    let status = Status::from(denied);
    assert_eq!(status.code(), Code::Unauthenticated);
    assert_eq!(status.metadata().get("www-authenticate").unwrap(), "Bearer");
    assert_eq!(status.get_details_error_info().unwrap().reason, "TOKEN_MISSING");
}
