//! The response of a Worker with a missing or invalid setting.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use grpc_web::GrpcWeb;
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use http_body_util::Full;
use serde_json::json;
use tonic::{Code, body::Body};
use tower_service::Service;

use crate::Misconfigured;

/// Responds to `request` with the problem, in the protocol of the request, so that the operator sees it at the first call.
/// Also logs the problem.
pub async fn misconfigured_response(request: Request<Body>, problem: &Misconfigured) -> Response<Body> {
    tracing::error!("this Worker is not configured: {problem}");
    let Ok(response) = GrpcWeb::new(ErrorService { message: problem.to_string() }).call(request).await;
    response
}

/// Responds to every request with one error message.
struct ErrorService {
    message: String,
}

impl Service<Request<Body>> for ErrorService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let media_type = request.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
        ready(Ok(if media_type.starts_with(b"application/grpc") {
            aip::with_reason(Code::Internal, "MISCONFIGURED", &*self.message).into_http()
        } else {
            json_error(&self.message)
        }))
    }
}

/// A response in the format of all errors of the gateway.
fn json_error(message: &str) -> Response<Body> {
    let body = json!({ "error": message, "code": "INTERNAL", "details": [], "request_id": "" });
    let mut response = Response::new(Body::new(Full::new(body.to_string().into())));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use http_body_util::BodyExt as _;

    use super::*;

    fn respond(content_type: &'static str) -> (StatusCode, Bytes) {
        let mut request = Request::post("/").body(Body::empty()).unwrap();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let service = ErrorService { message: "DATABASE is missing".to_owned() };
        let Ok(response) = GrpcWeb::new(service).call(request).now_or_never().unwrap();
        let status = response.status();
        (status, response.into_body().collect().now_or_never().unwrap().unwrap().to_bytes())
    }

    #[test]
    fn the_missing_setting_is_reported_in_every_protocol() {
        let (status, body) = respond("application/json");
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(String::from_utf8_lossy(&body).contains(r#""error":"DATABASE is missing""#));
        let (status, body) = respond("application/grpc-web+proto");
        assert_eq!(status, StatusCode::OK);
        assert!(String::from_utf8_lossy(&body).contains("grpc-message:DATABASE%20is%20missing"), "{body:?}");
    }
}
