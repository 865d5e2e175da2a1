//! A service's own port, before a client that writes its whole request before it reads. Time is paused.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use gateway_core::ReadOn;
use http::{Request, Response, StatusCode, Version, header};
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::time::Instant;
use tonic::body::Body;
use tower::{ServiceExt as _, service_fn};

use crate::stack::TokioTimer;

const MIB: u64 = 1024 * 1024;

/// The most that a port throws away.
const BOUND: u64 = 64 * MIB;

/// How much of its body a port read of a request that its service refused, and how long the answer took.
struct Seen {
    read: u64,
    seconds: u64,
}

/// Sends `chunks` to a port whose service reads nothing of them.
async fn refused(
    request: http::request::Builder,
    chunks: impl Stream<Item = Bytes> + Send + 'static,
) -> Seen {
    let read = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&read);
    let counted = chunks.map(move |chunk| {
        counter.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        Ok::<_, Infallible>(Frame::data(chunk))
    });
    let refuses = service_fn(async |request: Request<Body>| {
        drop(request);
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
        Ok::<_, Infallible>(answer)
    });
    let request = request.body(StreamBody::new(counted)).unwrap();
    let before = Instant::now();
    let answer = ReadOn::new(refuses, TokioTimer).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "the answer is the service's own");
    Seen { read: read.load(Ordering::Relaxed), seconds: before.elapsed().as_secs() }
}

/// A body of `bytes`, in chunks of a MiB.
fn of(bytes: u64) -> impl Stream<Item = Bytes> + Send + 'static {
    let whole = stream::iter(0..bytes / MIB).map(|_| Bytes::from_static(&[0; 1024 * 1024]));
    let rest = usize::try_from(bytes % MIB).unwrap();
    whole.chain(stream::iter((rest > 0).then(|| Bytes::from(vec![0; rest]))))
}

#[tokio::test(start_paused = true)]
async fn what_a_service_refuses_is_read_up_to_the_bound() {
    assert_eq!(refused(Request::post("/"), of(BOUND)).await.read, BOUND);
    let endless = refused(Request::post("/"), of(BOUND).chain(of(10 * MIB))).await;
    assert_eq!(endless.read, BOUND + MIB, "no chunk is read after the one that went beyond");
}

#[tokio::test(start_paused = true)]
async fn what_says_that_it_is_longer_is_not_read_at_all() {
    for (declared, read) in [(BOUND, BOUND), (BOUND + 1, 0)] {
        let request = Request::post("/").header(header::CONTENT_LENGTH, declared);
        assert_eq!(refused(request, of(declared)).await.read, read, "{declared} declared");
    }
    let asks_first = Request::post("/").header(header::EXPECT, "100-continue");
    assert_eq!(refused(asks_first, of(MIB)).await.read, 0, "who asks first is told before anything is sent");
}

#[tokio::test(start_paused = true)]
async fn a_slow_sender_is_read_for_a_while_and_a_silent_one_is_not() {
    let every = |pause| {
        stream::repeat(()).then(move |()| async move {
            tokio::time::sleep(pause).await;
            Bytes::from_static(b"x")
        })
    };
    assert_eq!(refused(Request::post("/"), every(Duration::from_millis(999))).await.seconds, 30);
    assert_eq!(refused(Request::post("/"), every(Duration::from_millis(1001))).await.seconds, 1);
}

#[tokio::test(start_paused = true)]
async fn over_http_2_nothing_needs_to_be_thrown_away() {
    assert_eq!(refused(Request::post("/").version(Version::HTTP_2), of(MIB)).await.read, 0);
}
