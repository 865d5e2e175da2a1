//! The gateway's own pages.

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
async fn health_reports_the_region_and_calls_no_service() {
    let stack = start();
    let reply = anonymous("GET /health").send(&stack).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({"status": "ok", "region": "test"})));
    assert_eq!(anonymous("GET /livez").send(&stack).await.status, 200);
    assert_eq!(anonymous("GET /").send(&stack).await.json()["links"]["openapi"], "/openapi.json");
    let wrong = anonymous("POST /health").send(&stack).await;
    assert_eq!((wrong.error().0, wrong.header("allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn the_openapi_document_is_not_sent_again_to_a_client_with_a_current_copy() {
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
        "services without a health service are ready"
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
    let reply = anonymous("GET /readyz").send(&stack).await;
    assert_eq!(reply.status, 503);
    let mut names: Vec<_> = reply.json()["not_ready"].as_array().unwrap().clone();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, [ANNOTATIONS, IMAGES]);
    let reasons = reply.json()["reasons"].clone();
    assert_eq!(reasons[IMAGES], "The service cannot be reached.");
    assert_eq!(reasons[ANNOTATIONS], "The service did not respond within 2 s.");
    let health = anonymous("GET /health").send(&stack).await;
    assert_eq!(health.status, 200, "`/health` does not depend on the services");
}

#[tokio::test]
async fn a_gateway_without_one_of_its_services_does_not_start() {
    let service = Scripted::default();
    let upstreams = Upstreams::new().with(IMAGES, ImagesServiceServer::new(service.clone()));
    let error = gateway(config(), upstreams.clone()).unwrap_err();
    assert_eq!(error.to_string(), format!("no upstream is registered for the service {ANNOTATIONS}"));
    assert!(gateway(config(), upstreams.with(ANNOTATIONS, AnnotationsServiceServer::new(service))).is_ok());
}
