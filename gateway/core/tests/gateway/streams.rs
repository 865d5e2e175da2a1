//! Server streams that are not files, in the format that the client requests.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt as _, stream};
use gateway_core::Upstreams;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use serde_json::json;
use tonic::{Status, body::Body};

use crate::{
    service::Scripted,
    stack::{Reply, Stack, config, descriptor_set, gateway_to, request},
};

/// Streams without and with event ids, and one call whose response is a field of its message.
const CONTRACT: &str = r#"
    syntax = "proto3";
    package test.v1;
    import "google/api/annotations.proto";
    import "reticle/http/v1/options.proto";
    service Ticks {
      rpc Watch(Tick) returns (stream Tick) { option (google.api.http) = { get: "/ticks/{text}" }; }
      rpc Follow(Tick) returns (stream Tick) {
        option (google.api.http) = { get: "/follow" };
        option (reticle.http.v1.method) = {
          request_headers: { header: "last-event-id" field: "text" }
          event_id: "text"
        };
      }
      rpc Pick(Tick) returns (Tick) { option (google.api.http) = { get: "/picks/{text}" response_body: "text" }; }
    }
    message Tick { string text = 1; }
"#;

/// Starts a gateway whose service sends a message for each of `texts`, then the status `outcome`.
fn start(texts: &'static [&'static str], outcome: Status) -> Stack {
    start_after(Duration::ZERO, texts, outcome)
}

/// The same, where the first message takes some time.
fn start_after(delay: Duration, texts: &'static [&'static str], outcome: Status) -> Stack {
    let service = tower::service_fn(move |_: Request<Body>| {
        let mut frames: Vec<Result<_, Infallible>> = Vec::new();
        for text in texts {
            let length = u8::try_from(text.len()).unwrap();
            let head = [0, 0, 0, 0, length + 2, 0x0a, length];
            frames.push(Ok(Frame::data(Bytes::from([&head[..], text.as_bytes()].concat()))));
        }
        frames.push(Ok(Frame::trailers(grpc_web::trailers_from_status(&outcome))));
        let frames = async move {
            tokio::time::sleep(delay).await;
            stream::iter(frames)
        };
        let response = Response::new(Body::new(StreamBody::new(frames.flatten_stream())));
        async { Ok::<_, Infallible>(response) }
    });
    let upstreams = Upstreams::new().with("test.v1.Ticks", service);
    let gateway = gateway_to(&descriptor_set(CONTRACT), config(), upstreams).unwrap();
    Stack { gateway, service: Scripted::default() }
}

async fn watch(stack: &Stack, accept: &str) -> Reply {
    request("GET /ticks/a").header("accept", accept).send(stack).await
}

#[tokio::test]
async fn a_stream_is_an_array_or_lines_or_events() {
    let stack = start(&["a", "b"], Status::ok(""));
    for (accept, content_type, body) in [
        ("*/*", "application/json", "[{\"text\":\"a\"},{\"text\":\"b\"}]"),
        ("application/x-ndjson", "application/x-ndjson", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n"),
        (
            "text/html, Text/Event-Stream;q=0.9",
            "text/event-stream",
            "data: {\"text\":\"a\"}\n\ndata: {\"text\":\"b\"}\n\n",
        ),
    ] {
        let reply = watch(&stack, accept).await;
        assert_eq!((reply.status.as_u16(), reply.header("content-type")), (200, content_type));
        assert_eq!(reply.body, body, "{accept}");
    }
}

#[tokio::test]
async fn an_event_has_the_id_that_the_contract_declares_and_the_default_format_is_lines() {
    let stack = start(&["a", "b"], Status::ok(""));
    for (accept, body) in [
        ("*/*", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n"),
        ("text/event-stream", "id: a\ndata: {\"text\":\"a\"}\n\nid: b\ndata: {\"text\":\"b\"}\n\n"),
    ] {
        let reply = request("GET /follow").header("accept", accept).send(&stack).await;
        assert_eq!(reply.body, body, "{accept}");
    }
}

#[tokio::test]
async fn an_empty_stream_is_empty_in_each_format() {
    let stack = start(&[], Status::ok(""));
    for (accept, body) in [("*/*", "[]"), ("application/x-ndjson", ""), ("text/event-stream", "")] {
        assert_eq!(watch(&stack, accept).await.body, body, "{accept}");
    }
}

#[tokio::test]
async fn an_error_before_the_first_item_is_an_error_response() {
    let stack = start(&[], Status::not_found("Nothing ticks"));
    for accept in ["*/*", "application/x-ndjson", "text/event-stream"] {
        assert_eq!(watch(&stack, accept).await.error(), (404, "NOT_FOUND".into(), "Nothing ticks".into()));
    }
}

#[tokio::test]
async fn an_error_after_the_first_item_is_the_last_item() {
    let stack = start(&["a"], Status::data_loss("It broke"));
    let error = r#"{"error":"It broke","code":"DATA_LOSS","details":[],"request_id":"r"}"#;
    for (accept, body) in [
        ("*/*", format!("[{{\"text\":\"a\"}},{error}]")),
        ("application/x-ndjson", format!("{{\"text\":\"a\"}}\n{error}\n")),
        ("text/event-stream", format!("data: {{\"text\":\"a\"}}\n\nevent: error\ndata: {error}\n\n")),
    ] {
        let reply =
            request("GET /ticks/a").header("accept", accept).header("x-request-id", "r").send(&stack).await;
        assert_eq!(reply.body, body, "{accept}");
    }
}

#[tokio::test]
async fn no_proxy_may_buffer_store_or_change_a_stream() {
    let stack = start(&["a"], Status::ok(""));
    for accept in ["*/*", "application/x-ndjson", "text/event-stream"] {
        let reply = watch(&stack, accept).await;
        assert_eq!(reply.header("x-accel-buffering"), "no", "{accept}");
        assert_eq!(reply.header("cache-control"), "no-store, no-transform", "{accept}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_head_does_not_wait_for_a_late_first_item() {
    let lines = || request("GET /ticks/a").header("accept", "application/x-ndjson");
    for (delay, timeout, body) in [
        (1, "5S", "{\"text\":\"a\"}\n"),
        (10, "5S", "{\"error\":\"The response did not arrive in time\",\"code\":\"DEADLINE_EXCEEDED\""),
    ] {
        let stack = start_after(Duration::from_secs(delay), &["a"], Status::ok(""));
        let before = tokio::time::Instant::now();
        let response = lines().header("grpc-timeout", timeout).send_open(&stack).await;
        assert_eq!((response.status().as_u16(), before.elapsed().as_secs()), (200, 0));
        let whole = response.into_body().collect().await.unwrap().to_bytes();
        assert!(whole.starts_with(body.as_bytes()), "{whole:?}");
        assert_eq!(before.elapsed().as_secs(), delay.min(5));
    }
    let stack = start_after(Duration::from_secs(1), &["a"], Status::ok(""));
    let late = lines().header("grpc-timeout", "100m").send(&stack).await;
    assert_eq!(late.error().1, "DEADLINE_EXCEEDED", "an error before the head is sent has its own status");
}

#[tokio::test]
async fn a_response_may_be_one_field_of_the_message() {
    let stack = start(&["a"], Status::ok(""));
    let reply = request("GET /picks/a").send(&stack).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (200, json!("a")));
}

#[tokio::test]
async fn a_unary_call_that_receives_no_message_or_two_is_an_internal_error() {
    for texts in [&[][..], &["a", "b"][..]] {
        let reply = request("GET /picks/a").send(&start(texts, Status::ok(""))).await;
        assert_eq!(reply.error(), (500, "INTERNAL".into(), "Internal error".into()));
    }
}
