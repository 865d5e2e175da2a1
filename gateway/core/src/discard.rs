//! Discards the unread body of a request whose response is complete, such as a rejection.
//!
//! Over HTTP/1.1, many clients write a whole request before they read the response. If the server closed the connection
//! meanwhile, such a client would see a broken pipe and not the error. So the server reads and discards the rest of the
//! body before it responds, up to limits of bytes and time.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Version, header::EXPECT};
use http_body::{Body as _, Frame, SizeHint};
use tonic::{Status, body::Body};

use crate::{body, deadline::Deadline, ports::Sleep};

/// How long the sender may send nothing while the rest is discarded, because the response waits meanwhile.
const IDLE: Duration = Duration::from_secs(1);

/// How many bytes are usually discarded at most: enough for a request that is somewhat larger than its limit. More is not
/// worth the bandwidth.
pub(crate) const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// How long the rest of a body is read at most.
const MAX_TIME: Duration = Duration::from_secs(30);

/// What remains unread of a request's body after its handler has ended.
pub(crate) struct UnreadBody(Arc<Mutex<Tracked>>);

struct Tracked {
    body: Body,
    /// The body was read to its end or its error. Some bodies must not be polled again after that.
    ended: bool,
    /// Bytes that were read.
    read: u64,
    /// The declared length.
    length: Option<u64>,
    /// The client sends nothing until the server asks for the body (`Expect: 100-continue`).
    waits: bool,
}

impl UnreadBody {
    /// Tracks how much of the body of `request` is read. `None` where nothing needs to be discarded: if there is no body,
    /// and over HTTP/2, which can stop a single stream.
    pub(crate) fn track(request: Request<Body>) -> (Request<Body>, Option<Self>) {
        if request.version() >= Version::HTTP_2 || request.body().is_end_stream() {
            return (request, None);
        }
        let length = body::content_length(request.headers());
        let waits = request.headers().contains_key(EXPECT);
        let (head, body) = request.into_parts();
        let tracked = Arc::new(Mutex::new(Tracked { body, ended: false, read: 0, length, waits }));
        let handed_out = Body::new(TrackedBody(Arc::clone(&tracked)));
        (Request::from_parts(head, handed_out), Some(Self(tracked)))
    }

    /// Whether the handler has dropped the body before its end. Before that, the handler may still read the rest.
    pub(crate) fn is_abandoned(&self) -> bool {
        let is_only_owner = Arc::strong_count(&self.0) == 1;
        let tracked = self.tracked();
        is_only_owner && !tracked.ended && !tracked.body.is_end_stream()
    }

    /// Reads and discards the rest of the body, at most `max_bytes` and for at most 30 s. Reads nothing if `max_bytes` is 0,
    /// if the declared rest is larger than that, or if the client waits before it sends.
    pub(crate) async fn discard(self, max_bytes: u64, sleep: impl Fn(Duration) -> Sleep + Send + Sync) {
        let skip = |tracked: &Tracked| {
            let unread = tracked.length.map(|length| length - length.min(tracked.read));
            tracked.ended || tracked.waits || unread.is_some_and(|unread| unread > max_bytes)
        };
        if max_bytes == 0 || skip(&self.tracked()) {
            return;
        }
        // At the time limit the response is sent: a client that still sends has had the time to read it.
        let _ = Deadline::from_sleep(sleep(MAX_TIME)).within(self.read_rest(max_bytes, &sleep)).await;
    }

    /// Reads until the end of the body, until more than `left` bytes were read, or until the sender sends nothing for
    /// [`IDLE`].
    async fn read_rest(&self, mut left: u64, sleep: &(impl Fn(Duration) -> Sleep + Send + Sync)) {
        loop {
            let next = std::future::poll_fn(|cx| Pin::new(&mut self.tracked().body).poll_frame(cx));
            let Ok(Some(Ok(frame))) = Deadline::from_sleep(sleep(IDLE)).within(next).await else {
                return;
            };
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            match left.checked_sub(length) {
                Some(less) => left = less,
                None => return,
            }
        }
    }

    fn tracked(&self) -> MutexGuard<'_, Tracked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body that the handler reads.
struct TrackedBody(Arc<Mutex<Tracked>>);

impl http_body::Body for TrackedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut tracked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let polled = Pin::new(&mut tracked.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                tracked.read += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            Poll::Ready(Some(Err(_)) | None) => tracked.ended = true,
            Poll::Pending => {}
        }
        // Even a poll that returns no bytes asks a waiting client to send.
        tracked.waits = false;
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).body.size_hint()
    }
}
