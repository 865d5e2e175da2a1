//! The gateway's own paths.

use gateway_core::Upstreams;
use proto::{
    annotations::v1::annotations_service_server::AnnotationsServiceServer,
    images::v1::images_service_server::ImagesServiceServer,
};
use serde_json::json;

use crate::{
    service::Scripted,
    stack::{ANNOTATIONS, IMAGES, Stack, anonymous, config, gateway, start},
};

#[tokio::test]
async fn health_names_the_region_and_asks_nobody() {
    let stack = start();
    let answer = anonymous("GET /health").send(&stack).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"status": "ok", "region": "test"})));
    assert_eq!(anonymous("GET /livez").send(&stack).await.status, 200);
    assert_eq!(anonymous("GET /").send(&stack).await.json()["links"]["openapi"], "/openapi.json");
    let wrong = anonymous("POST /health").send(&stack).await;
    assert_eq!((wrong.error().0, wrong.header("allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn the_description_is_sent_once_to_whoever_keeps_it() {
    let stack = start();
    let first = anonymous("GET /openapi.json").send(&stack).await;
    assert_eq!((first.status.as_u16(), first.json().is_object()), (200, true));
    let again =
        anonymous("GET /openapi.json").header("if-none-match", first.header("etag")).send(&stack).await;
    assert_eq!(
        (again.status.as_u16(), again.body.len(), again.header("etag")),
        (304, 0, first.header("etag"))
    );
}

#[tokio::test(start_paused = true)]
async fn readiness_names_the_services_that_are_not_ready() {
    let ready = start();
    assert_eq!(
        anonymous("GET /readyz").send(&ready).await.status,
        200,
        "services that say nothing of it are ready"
    );

    let away = tower::service_fn(|_: http::Request<tonic::body::Body>| async {
        Err::<http::Response<tonic::body::Body>, _>(std::io::Error::other("connection refused"))
    });
    let silent = tower::service_fn(|_: http::Request<tonic::body::Body>| {
        std::future::pending::<Result<http::Response<tonic::body::Body>, std::io::Error>>()
    });
    let service = Scripted::default();
    let upstreams = Upstreams::new().with(IMAGES, away).with(ANNOTATIONS, silent);
    let stack = Stack { gateway: gateway(config(), upstreams).unwrap(), service };
    let answer = anonymous("GET /readyz").send(&stack).await;
    assert_eq!(answer.status, 503);
    let mut names: Vec<_> = answer.json()["not_ready"].as_array().unwrap().clone();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, [ANNOTATIONS, IMAGES]);
    let reasons = answer.json()["reasons"].clone();
    assert_eq!(reasons[IMAGES], "It cannot be reached.");
    assert_eq!(reasons[ANNOTATIONS], "It does not answer in time.");
    let health = anonymous("GET /health").send(&stack).await;
    assert_eq!(health.status, 200, "it is the gateway's own");
}

#[tokio::test]
async fn a_gateway_without_one_of_its_services_does_not_start() {
    let service = Scripted::default();
    let upstreams = Upstreams::new().with(IMAGES, ImagesServiceServer::new(service.clone()));
    let error = gateway(config(), upstreams.clone()).unwrap_err();
    assert_eq!(error.to_string(), format!("no upstream is registered for the service {ANNOTATIONS}"));
    assert!(gateway(config(), upstreams.with(ANNOTATIONS, AnnotationsServiceServer::new(service))).is_ok());
}
