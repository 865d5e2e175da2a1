//! A tower service that enforces the rules.

use std::{
    future::{Future, ready},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::Body as HttpBody;
use tonic::{Code, Status, body::Body};
use tower_service::Service;

use crate::{
    error::Error,
    head,
    messages::{Expected, Messages},
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Enforces the rules of gRPC in front of a service. A call whose head violates a rule does not reach the service; if a message
/// violates a rule, the request body fails while the service reads it.
#[derive(Clone, Debug)]
pub struct Rules<S> {
    inner: S,
    takes_stream: fn(&str) -> bool,
}

impl<S> Rules<S> {
    /// Enforces the rules in front of `inner`. `takes_stream` returns, for an RPC's path, whether it accepts any number of
    /// request messages; every other RPC needs exactly one.
    pub const fn new(inner: S, takes_stream: fn(&str) -> bool) -> Self {
        Self { inner, takes_stream }
    }
}

impl<S, R> Service<Request<R>> for Rules<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        if let Err(error) = head::check(&request) {
            return Box::pin(ready(Ok(error.into_response())));
        }
        let path = request.uri().path();
        let expected = if (self.takes_stream)(path) { Expected::Any } else { Expected::One };
        let path = path.trim_start_matches('/').to_owned();
        let response =
            self.inner.call(request.map(|body| Body::new(Messages::new(Body::new(body), expected))));
        Box::pin(async move { Ok(explain_unimplemented(response.await?, path)) })
    }
}

/// Adds a message to tonic's response for an unknown RPC, which is UNIMPLEMENTED without a message.
fn explain_unimplemented(response: Response<Body>, path: String) -> Response<Body> {
    let unimplemented = HeaderValue::from(i32::from(Code::Unimplemented));
    let headers = response.headers();
    let is_silent = headers.get(Status::GRPC_STATUS) == Some(&unimplemented)
        && !headers.contains_key(Status::GRPC_MESSAGE);
    if is_silent { Error::NoSuchRpc(path).into_response() } else { response }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::StatusCode;
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    /// The response to a call, from the rules or from a service behind them that has no RPC.
    async fn call(method: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let unknown = service_fn(|_: Request<Body>| async {
            let mut response = Response::new(Body::empty());
            response.headers_mut().insert("grpc-status", HeaderValue::from_static("12"));
            Ok::<_, Infallible>(response)
        });
        let mut request = Request::builder().method(method).uri("/a.B/C");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let Ok(response) = Rules::new(unknown, |_| false).oneshot(request.body(Body::empty()).unwrap()).await;
        response
    }

    fn header<'r>(response: &'r Response<Body>, name: &str) -> &'r str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn a_call_must_be_a_post() {
        for method in ["GET", "PUT", "OPTIONS"] {
            let response = call(method, &[("content-type", "application/grpc")]).await;
            assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, "POST"), "{method}");
        }
    }

    #[tokio::test]
    async fn a_call_must_have_the_content_type_of_grpc_with_protobuf() {
        for valid in ["application/grpc", "Application/gRPC+proto; charset=utf-8"] {
            assert_eq!(call("POST", &[("content-type", valid)]).await.status(), StatusCode::OK, "{valid}");
        }
        for other in [
            "application/json",
            "application/grpc+json",
            "application/grpc-web+proto",
            "application/grpcx",
            "",
        ] {
            let response = call("POST", &[("content-type", other)]).await;
            assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{other}");
            assert!(response.headers()["accept-post"].to_str().unwrap().contains("application/grpc"));
        }
    }

    #[tokio::test]
    async fn every_rejection_has_a_message() {
        let grpc = ("content-type", "application/grpc");
        for (sent, code, word) in [
            (("grpc-encoding", "gzip"), "12", "gzip"),
            (("grpc-timeout", "1n"), "4", "in%20time"),
            (("grpc-timeout", "soon"), "3", "grpc-timeout"),
            (("grpc-encoding", "identity"), "12", "a.B/C"),
        ] {
            let response = call("POST", &[grpc, sent]).await;
            assert_eq!((response.status().as_u16(), header(&response, "grpc-status")), (200, code), "{word}");
            let message = header(&response, "grpc-message");
            assert!(message.contains(word), "{sent:?}: {message}");
        }
        let zipped = call("POST", &[grpc, ("grpc-encoding", "gzip")]).await;
        assert_eq!(zipped.headers()["grpc-accept-encoding"], "identity");
    }
}
