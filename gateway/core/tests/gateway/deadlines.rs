//! Everything has a time limit. Time is paused: it advances only when all tasks wait.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use gateway_core::Config;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::time::Instant;
use tonic::body::Body;

use crate::stack::{anonymous, config, request, start, start_with};

#[tokio::test(start_paused = true)]
async fn a_call_without_a_timeout_gets_the_default() {
    let stack = start();
    let before = Instant::now();
    let reply = request("GET /api/images/slow").send(&stack).await;
    assert_eq!(
        reply.error(),
        (504, "DEADLINE_EXCEEDED".into(), "The response did not arrive in time".into())
    );
    assert_eq!(before.elapsed().as_secs(), 30);
    assert_eq!(stack.service.seen().metadata.get("grpc-timeout").unwrap(), "30000m");
}

#[tokio::test(start_paused = true)]
async fn a_callers_timeout_is_limited_to_the_maximum() {
    let stack = start_with(Config { max_timeout: Duration::from_mins(1), ..config() });
    for (requested, seconds) in [("100m", 0), ("2S", 2), ("5M", 60), ("99999999H", 60)] {
        let before = Instant::now();
        let reply = request("GET /api/images/slow").header("grpc-timeout", requested).send(&stack).await;
        assert_eq!((reply.error().0, before.elapsed().as_secs()), (504, seconds), "{requested}");
    }
    let wrong = request("GET /api/images/abc").header("grpc-timeout", "soon").send(&stack).await;
    assert_eq!(wrong.error().0, 400);
}

/// A body that never sends anything.
fn never() -> Body {
    Body::new(StreamBody::new(stream::pending::<Result<Frame<Bytes>, std::io::Error>>()))
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_arrives_is_rejected_at_the_deadline() {
    let stack = start();
    let before = Instant::now();
    let reply = request("POST /api/annotations").streamed(never()).send(&stack).await;
    assert_eq!(
        reply.error(),
        (408, "DEADLINE_EXCEEDED".into(), "The body did not arrive within the time limit of the call".into())
    );
    assert_eq!(
        before.elapsed().as_secs(),
        31,
        "the deadline, and one idle second while the rest is discarded"
    );
}

#[tokio::test(start_paused = true)]
async fn a_rejected_client_that_sends_nothing_gets_the_error_after_one_second() {
    let stack = start();
    for (rejected, status) in [(anonymous("POST /api/annotations"), 401), (request("POST /nothing"), 404)] {
        let before = Instant::now();
        assert_eq!(rejected.streamed(never()).send(&stack).await.error().0, status);
        assert_eq!(before.elapsed().as_secs(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_discards_nothing_responds_at_once() {
    let stack = start_with(Config { max_discarded_bytes: 0, ..config() });
    let before = Instant::now();
    assert_eq!(request("POST /nothing").streamed(never()).send(&stack).await.error().0, 404);
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_rest_of_a_rejected_body_is_read_for_30_s_whatever_the_idle_timeout_is() {
    let stack = start_with(Config { idle_timeout: Duration::from_secs(5), ..config() });
    let slow = stream::repeat(()).then(async |()| {
        tokio::time::sleep(Duration::from_millis(999)).await;
        Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"x")))
    });
    let before = Instant::now();
    let rejected = request("POST /nothing").streamed(Body::new(StreamBody::new(slow)));
    assert_eq!(rejected.send(&stack).await.error().0, 404);
    assert_eq!(before.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_download_must_begin_in_time_and_must_not_stall() {
    let stack = start();
    assert_eq!(request("GET /api/images/slow/content").send(&stack).await.error().0, 504);
    let response = request("GET /api/images/stalls/content").send_open(&stack).await;
    assert_eq!(response.status(), 200);
    let before = Instant::now();
    let body = http_body_util::BodyExt::collect(response.into_body()).await;
    assert!(body.is_err(), "the body ends with an error, so that no client takes it for the whole file");
    assert_eq!(before.elapsed().as_secs(), 30);
}
