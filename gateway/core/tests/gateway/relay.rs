//! gRPC-web calls whose bodies the host forwards, and requests that the host rejects.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use gateway_core::{Config, Relayed};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tonic::body::Body;
use tower::BoxError;

use crate::stack::{Reply, Stack, anonymous, config, request, start, start_with, token};

const PATH: &str = "/reticle.images.v1.ImagesService/GetImage";

/// A stream that only the host can read.
#[derive(Debug, PartialEq)]
struct Opaque(&'static str);

fn call(token: Option<String>) -> Request<Opaque> {
    let mut request = Request::post(PATH)
        .header("content-type", "application/grpc-web+proto")
        .header("accept", "application/grpc-web+proto")
        .header("x-grpc-web", "1")
        .header("origin", "https://app.example.com")
        .header("x-request-id", "one")
        .header("cookie", "not for services");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    request.body(Opaque("request")).unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8_lossy(&response.into_body().collect().await.unwrap().to_bytes()).into_owned()
}

#[tokio::test]
async fn a_valid_call_reaches_its_service_with_its_body_unread() {
    let Stack { gateway, .. } = start();
    let relayed = gateway
        .relay(call(Some(token())), async |service: String, request: Request<Opaque>| {
            assert_eq!((service.as_str(), request.uri().path()), ("reticle.images.v1.ImagesService", PATH));
            assert_eq!(request.body(), &Opaque("request"));
            let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap());
            assert_eq!(header("content-type"), Some("application/grpc-web+proto"));
            assert_eq!(header("x-grpc-web"), Some("1"));
            assert_eq!(header("x-request-id"), Some("one"));
            assert_eq!(header("grpc-timeout"), Some("30000m"));
            assert!(header("authorization").is_some() && header("traceparent").is_some());
            assert!(header("cookie").is_none() && header("te").is_none());
            let reply = Response::builder().header("content-type", "application/grpc-web+proto");
            Ok(reply.body(Opaque("response")).unwrap())
        })
        .await;
    let Relayed::FromService(response) = relayed else { panic!("{relayed:?}") };
    assert_eq!(response.body(), &Opaque("response"));
    assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example.com");
    assert_eq!(response.headers()["x-request-id"], "one");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    assert_eq!(response.headers()["cache-control"], "no-store, no-transform");
}

#[tokio::test]
async fn a_call_with_an_invalid_token_is_rejected_in_grpc_web_and_not_forwarded() {
    let Stack { gateway, .. } = start();
    let unreachable = async |_: String, _: Request<Opaque>| -> Result<Response<Opaque>, BoxError> {
        panic!("the call was forwarded")
    };
    for (token, status) in [(None, "grpc-status:16"), (Some("forged".to_owned()), "grpc-status:16")] {
        let relayed = gateway.relay(call(token), unreachable).await;
        let Relayed::FromGateway(response) = relayed else { panic!("{relayed:?}") };
        assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example.com");
        assert!(text(response).await.contains(status));
    }
}

#[tokio::test]
async fn an_unreachable_service_is_unavailable() {
    let Stack { gateway, .. } = start();
    let away = async |_: String, _: Request<Opaque>| -> Result<Response<Opaque>, BoxError> {
        Err("connection refused".into())
    };
    let Relayed::FromGateway(response) = gateway.relay(call(Some(token())), away).await else { panic!() };
    assert!(text(response).await.contains("grpc-status:14"));
}

#[tokio::test]
async fn a_response_that_is_not_grpc_web_is_replaced_by_an_error() {
    let Stack { gateway, .. } = start();
    for (http, code) in [(503, "grpc-status:14"), (200, "grpc-status:13")] {
        let runtime = async |_: String, _: Request<Opaque>| -> Result<Response<Opaque>, BoxError> {
            Ok(Response::builder().status(http).body(Opaque("there is no such Worker"))?)
        };
        let Relayed::FromGateway(response) = gateway.relay(call(Some(token())), runtime).await else {
            panic!()
        };
        assert!(text(response).await.contains(code), "{http}");
    }
}

#[tokio::test]
async fn only_calls_with_one_request_message_are_relayed() {
    let Stack { gateway, .. } = start();
    let of = |path: &str, content_type: &str| {
        Request::post(path).header("content-type", content_type).body(()).unwrap()
    };
    assert!(gateway.relays(&of(PATH, "application/grpc-web+proto")));
    assert!(
        gateway.relays(&of("/reticle.images.v1.ImagesService/DownloadImage", "application/grpc-web-text"))
    );
    for other in [
        of("/reticle.images.v1.ImagesService/UploadImage", "application/grpc-web+proto"),
        of("/no.such.Service/Method", "application/grpc-web+proto"),
        of(PATH, "application/grpc"),
        of(PATH, "application/json"),
    ] {
        assert!(!gateway.relays(&other), "{other:?}");
    }
}

#[tokio::test]
async fn a_rate_limited_client_receives_the_time_to_retry() {
    let stack = start();
    let reject = async |request: Request<Body>| {
        let response = stack.gateway.too_many_requests(request, Duration::from_secs(7)).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply { status: head.status, headers: head.headers, body }
    };
    let reply = reject(request("GET /api/images").build()).await;
    let (status, code, _) = reply.error();
    assert_eq!((status, code.as_str(), reply.header("retry-after")), (429, "RESOURCE_EXHAUSTED", "7"));
    let web = anonymous(&format!("POST {PATH}")).header("content-type", "application/grpc-web+proto").build();
    let reply = reject(web).await;
    assert_eq!(reply.status, 200);
    assert!(String::from_utf8_lossy(&reply.body).contains("grpc-status:8"));
    assert_eq!(stack.service.seen().calls, 0);
}

#[tokio::test]
async fn the_body_of_a_rejected_call_is_discarded_up_to_the_limit() {
    let chunk = Bytes::from_static(&[0; 1000]);
    for (limit, expected) in [(0, 0), (2500, 3000), (1_000_000, 5000)] {
        let Stack { gateway, .. } = start_with(Config { max_discarded_bytes: limit, ..config() });
        let read = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&read);
        let chunks = stream::iter(vec![chunk.clone(); 5]).map(move |chunk| {
            counter.fetch_add(chunk.len(), Ordering::Relaxed);
            Ok::<_, Infallible>(Frame::data(chunk))
        });
        gateway.discard_body(call(None).map(|_| StreamBody::new(chunks))).await;
        assert_eq!(read.load(Ordering::Relaxed), expected, "with a limit of {limit}");
    }
}
