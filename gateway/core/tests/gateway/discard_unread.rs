//! A service's own port, with a client that writes its whole request before it reads. Time is paused.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use gateway_core::DiscardUnread;
use http::{Request, Response, StatusCode, Version, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::time::Instant;
use tonic::body::Body;
use tower::{ServiceExt as _, service_fn};

use crate::stack::TokioTimer;

const MIB: u64 = 1024 * 1024;

/// The most bytes that a port discards.
const LIMIT: u64 = 64 * MIB;

/// How many bytes a port read of a request that its service rejected, and how long the response took.
struct Seen {
    read: u64,
    seconds: u64,
}

/// Sends `chunks` to a port whose service rejects the request unread.
async fn send_rejected(
    request: http::request::Builder,
    chunks: impl Stream<Item = Bytes> + Send + 'static,
) -> Seen {
    let read = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&read);
    let counted = chunks.map(move |chunk| {
        counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        Ok::<_, Infallible>(Frame::data(chunk))
    });
    let rejects = service_fn(async |request: Request<Body>| {
        drop(request);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        Ok::<_, Infallible>(response)
    });
    let request = request.body(StreamBody::new(counted)).unwrap();
    let before = Instant::now();
    let response = DiscardUnread::new(rejects, TokioTimer).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "the response is the service's own");
    Seen { read: read.load(Ordering::Relaxed), seconds: before.elapsed().as_secs() }
}

/// A body of `bytes`, in chunks of a MiB.
fn of(bytes: u64) -> impl Stream<Item = Bytes> + Send + 'static {
    let whole = stream::iter(0..bytes / MIB).map(|_| Bytes::from_static(&[0; 1024 * 1024]));
    let rest = usize::try_from(bytes % MIB).unwrap();
    whole.chain(stream::iter((rest > 0).then(|| Bytes::from(vec![0; rest]))))
}

#[tokio::test(start_paused = true)]
async fn a_rejected_body_is_read_up_to_the_limit() {
    assert_eq!(send_rejected(Request::post("/"), of(LIMIT)).await.read, LIMIT);
    let endless = send_rejected(Request::post("/"), of(LIMIT).chain(of(10 * MIB))).await;
    assert_eq!(endless.read, LIMIT + MIB, "no chunk is read after the one that exceeds the limit");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_declares_more_than_the_limit_is_not_read() {
    for (declared, read) in [(LIMIT, LIMIT), (LIMIT + 1, 0)] {
        let request = Request::post("/").header(header::CONTENT_LENGTH, declared);
        assert_eq!(send_rejected(request, of(declared)).await.read, read, "{declared} declared");
    }
    let expects_continue = Request::post("/").header(header::EXPECT, "100-continue");
    let seen = send_rejected(expects_continue, of(MIB)).await;
    assert_eq!(
        seen.read, 0,
        "a client that waits for 100 Continue gets the response before it sends the body"
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_sender_is_read_for_30_s_and_a_silent_one_for_1_s() {
    let every = |pause| {
        stream::repeat(()).then(move |()| async move {
            tokio::time::sleep(pause).await;
            Bytes::from_static(b"x")
        })
    };
    assert_eq!(send_rejected(Request::post("/"), every(Duration::from_millis(999))).await.seconds, 30);
    assert_eq!(send_rejected(Request::post("/"), every(Duration::from_millis(1001))).await.seconds, 1);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_was_read_to_its_end_is_not_polled_again() {
    let mut chunks = Some(Bytes::from_static(b"x"));
    let mut ended = false;
    let body = StreamBody::new(stream::poll_fn(move |_| {
        assert!(!ended, "the body is polled after its end");
        ended = chunks.is_none();
        Poll::Ready(chunks.take().map(|chunk| Ok::<_, Infallible>(Frame::data(chunk))))
    }));
    let reads = service_fn(async |request: Request<Body>| {
        request.into_body().collect().await.unwrap();
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let request = Request::post("/").body(body).unwrap();
    DiscardUnread::new(reads, TokioTimer).oneshot(request).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn over_http_2_nothing_is_discarded() {
    assert_eq!(send_rejected(Request::post("/").version(Version::HTTP_2), of(MIB)).await.read, 0);
}
