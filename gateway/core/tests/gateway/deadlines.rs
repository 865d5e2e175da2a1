//! Nothing waits for ever. Time is paused: it passes when nothing else can.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use gateway_core::Config;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::time::Instant;
use tonic::body::Body;

use crate::stack::{anonymous, config, request, start, start_with};

#[tokio::test(start_paused = true)]
async fn a_call_that_names_no_deadline_gets_the_default() {
    let stack = start();
    let before = Instant::now();
    let answer = request("GET /api/images/slow").send(&stack).await;
    assert_eq!(answer.error(), (504, "DEADLINE_EXCEEDED".into(), "The answer did not come in time".into()));
    assert_eq!(before.elapsed().as_secs(), 30);
    assert_eq!(stack.service.seen().metadata.get("grpc-timeout").unwrap(), "30000m");
}

#[tokio::test(start_paused = true)]
async fn a_callers_deadline_counts_up_to_the_cap() {
    let stack = start_with(Config { max_timeout: Duration::from_mins(1), ..config() });
    for (asked, seconds) in [("100m", 0), ("2S", 2), ("5M", 60), ("99999999H", 60)] {
        let before = Instant::now();
        let answer = request("GET /api/images/slow").header("grpc-timeout", asked).send(&stack).await;
        assert_eq!((answer.error().0, before.elapsed().as_secs()), (504, seconds), "{asked}");
    }
    let wrong = request("GET /api/images/abc").header("grpc-timeout", "soon").send(&stack).await;
    assert_eq!(wrong.error().0, 400);
}

/// A body of which nothing ever comes.
fn never() -> Body {
    Body::new(StreamBody::new(stream::pending::<Result<Frame<Bytes>, std::io::Error>>()))
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_is_not_waited_for() {
    let stack = start();
    let before = Instant::now();
    let answer = request("POST /api/annotations").streamed(never()).send(&stack).await;
    assert_eq!(answer.error(), (408, "DEADLINE_EXCEEDED".into(), "The body did not come in time".into()));
    assert_eq!(before.elapsed().as_secs(), 31, "the deadline, and a second in which the rest may come");
}

#[tokio::test(start_paused = true)]
async fn a_refused_client_that_stands_still_reads_why_at_once() {
    let stack = start();
    for (refused, status) in [(anonymous("POST /api/annotations"), 401), (request("POST /nothing"), 404)] {
        let before = Instant::now();
        assert_eq!(refused.streamed(never()).send(&stack).await.error().0, status);
        assert_eq!(before.elapsed().as_secs(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_download_must_begin_in_time_and_then_may_not_stand_still() {
    let stack = start();
    assert_eq!(request("GET /api/images/slow/content").send(&stack).await.error().0, 504);
    let response = request("GET /api/images/stalls/content").send_open(&stack).await;
    assert_eq!(response.status(), 200);
    let before = Instant::now();
    let body = http_body_util::BodyExt::collect(response.into_body()).await;
    assert!(body.is_err(), "the body breaks, so that nobody takes it for the whole");
    assert_eq!(before.elapsed().as_secs(), 30);
}
