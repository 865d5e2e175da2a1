//! The rules as a tower service.

use std::{
    future::{Future, ready},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body::Body as HttpBody;
use tonic::{Code, Status, body::Body, server::NamedService};
use tower_service::Service;

use crate::{
    error::Error,
    head,
    messages::{Expected, Messages},
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A gRPC service whose calls keep the rules of gRPC: one that breaks a rule of its head ends here, and one whose messages do
/// fails while its service reads them.
#[derive(Clone, Debug)]
pub struct Rules<S> {
    inner: S,
    takes_stream: fn(&str) -> bool,
}

impl<S> Rules<S> {
    /// The rules in front of `inner`. `takes_stream` tells by its path whether an RPC takes any number of request messages;
    /// all others take one.
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
        Box::pin(async move { Ok(explained(response.await?, path)) })
    }
}

/// tonic says of an RPC that it does not have that it is UNIMPLEMENTED, and nothing else.
fn explained(response: Response<Body>, path: String) -> Response<Body> {
    let unimplemented = HeaderValue::from(i32::from(Code::Unimplemented));
    let headers = response.headers();
    let is_silent = headers.get(Status::GRPC_STATUS) == Some(&unimplemented)
        && !headers.contains_key(Status::GRPC_MESSAGE);
    if is_silent { Error::NoSuchRpc(path).into_response() } else { response }
}

impl<S: NamedService> NamedService for Rules<S> {
    const NAME: &'static str = S::NAME;
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::StatusCode;
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    /// What a service that is never reached, or knows no RPC, answers through the rules.
    async fn answer(method: &str, headers: &[(&str, &str)]) -> Response<Body> {
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
    async fn a_call_is_a_post() {
        for method in ["GET", "PUT", "OPTIONS"] {
            let response = answer(method, &[("content-type", "application/grpc")]).await;
            assert_eq!((response.status().as_u16(), header(&response, "allow")), (405, "POST"), "{method}");
        }
    }

    #[tokio::test]
    async fn a_call_has_the_media_type_of_grpc_with_protobuf() {
        for good in ["application/grpc", "Application/gRPC+proto; charset=utf-8"] {
            assert_eq!(answer("POST", &[("content-type", good)]).await.status(), StatusCode::OK, "{good}");
        }
        for other in [
            "application/json",
            "application/grpc+json",
            "application/grpc-web+proto",
            "application/grpcx",
            "",
        ] {
            let response = answer("POST", &[("content-type", other)]).await;
            assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{other}");
            assert!(response.headers()["accept-post"].to_str().unwrap().contains("application/grpc"));
        }
    }

    #[tokio::test]
    async fn what_the_server_cannot_do_is_said_in_a_sentence() {
        let grpc = ("content-type", "application/grpc");
        for (sent, code, sentence) in [
            (("grpc-encoding", "gzip"), "12", "gzip"),
            (("grpc-timeout", "1n"), "4", "in%20time"),
            (("grpc-timeout", "soon"), "3", "grpc-timeout"),
            (("grpc-encoding", "identity"), "12", "a.B/C"),
        ] {
            let response = answer("POST", &[grpc, sent]).await;
            assert_eq!(
                (response.status().as_u16(), header(&response, "grpc-status")),
                (200, code),
                "{sentence}"
            );
            let message = header(&response, "grpc-message");
            assert!(message.contains(sentence), "{sent:?}: {message}");
        }
        let zipped = answer("POST", &[grpc, ("grpc-encoding", "gzip")]).await;
        assert_eq!(zipped.headers()["grpc-accept-encoding"], "identity");
    }
}
