//! The time limits of gRPC calls whose callers set none, or too long ones. Time is paused.

use std::{convert::Infallible, future::pending};

use futures_util::{StreamExt as _, stream};
use gateway_core::{Relayed, Upstreams};
use http::Response;
use http_body_util::BodyExt as _;
use proto::images::v1::{
    DownloadImageRequest, UploadImageRequest, UploadInfo, images_service_client::ImagesServiceClient,
    upload_image_request::Payload,
};
use tokio::time::Instant;
use tonic::{Code, Request, body::Body};
use tower::BoxError;

use crate::{
    service::Scripted,
    stack::{ANNOTATIONS, IMAGES, Stack, anonymous, config, gateway, start, token},
};

fn call<T>(message: T, timeout: Option<&str>) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {}", token()).parse().unwrap());
    if let Some(timeout) = timeout {
        request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
    }
    request
}

#[tokio::test(start_paused = true)]
async fn a_server_stream_must_begin_within_the_default_time() {
    let stack = start();
    let mut client = ImagesServiceClient::new(stack.gateway.clone());
    for (timeout, seconds) in [(None, 30), (Some("2S"), 2), (Some("10M"), 600)] {
        let slow = DownloadImageRequest { image_id: "slow".to_owned(), ..Default::default() };
        let before = Instant::now();
        let error = client.download_image(call(slow, timeout)).await.unwrap_err();
        assert_eq!((error.code(), before.elapsed().as_secs()), (Code::DeadlineExceeded, seconds));
    }
    let seen = stack.service.seen().metadata.get("grpc-timeout").cloned();
    assert_eq!(seen.unwrap(), "600000m", "the service receives the time that the caller set");
}

#[tokio::test(start_paused = true)]
async fn an_upload_ends_at_its_own_limit() {
    let stack = start();
    let mut client = ImagesServiceClient::new(stack.gateway.clone());
    for (timeout, seconds) in [(None, 15 * 60), (Some("5H"), 15 * 60), (Some("2S"), 2)] {
        let info = UploadInfo { filename: "stalled".to_owned(), ..Default::default() };
        let first = UploadImageRequest { payload: Some(Payload::Info(info)) };
        let messages = stream::iter([first]).chain(stream::pending());
        let before = Instant::now();
        let error = client.upload_image(call(messages, timeout)).await.unwrap_err();
        assert_eq!((error.code(), before.elapsed().as_secs()), (Code::DeadlineExceeded, seconds));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_contract_does_not_have_must_begin_within_the_default_time() {
    let silent = tower::service_fn(|_: http::Request<Body>| pending::<Result<Response<Body>, Infallible>>());
    let upstreams = Upstreams::new().with(IMAGES, silent).with(ANNOTATIONS, silent);
    let upstreams = upstreams.with("grpc.health.v1.Health", silent);
    let stack = Stack { gateway: gateway(config(), upstreams).unwrap(), service: Scripted::default() };
    let before = Instant::now();
    let watch = anonymous("POST /grpc.health.v1.Health/Watch").header("content-type", "application/grpc");
    let reply = watch.body(vec![0; 5]).send(&stack).await;
    assert_eq!((reply.header("grpc-status"), before.elapsed().as_secs()), ("4", 30));
}

#[tokio::test(start_paused = true)]
async fn a_relayed_stream_must_begin_within_the_default_time() {
    let Stack { gateway, .. } = start();
    let request = http::Request::post("/reticle.images.v1.ImagesService/DownloadImage")
        .header("content-type", "application/grpc-web+proto")
        .header("authorization", format!("Bearer {}", token()));
    let silent =
        async |_: String, _: http::Request<()>| -> Result<Response<()>, BoxError> { pending().await };
    let before = Instant::now();
    let relayed = gateway.relay(request.body(()).unwrap(), silent).await;
    let Relayed::FromGateway(response) = relayed else { panic!("{relayed:?}") };
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("grpc-status:4\r\n"), "{body:?}");
    assert_eq!(before.elapsed().as_secs(), 30);
}
