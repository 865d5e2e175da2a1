//! The rest of a request that was refused before it was read.
//!
//! Over HTTP/1.1 many clients write a whole request before they read the answer. Were the connection closed under them,
//! they would see a broken pipe instead of the reason: so the rest is read and thrown away, within bounds, ahead of the
//! answer.

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

/// How long the sender may stand still while the rest is thrown away: it holds the answer back.
const IDLE: Duration = Duration::from_secs(1);

/// How much is thrown away, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) bytes: u64,
    pub(crate) time: Duration,
}

/// What is left of a request's body, however its handler ended.
pub(crate) struct Leftover(Arc<Mutex<Kept>>);

struct Kept {
    body: Body,
    /// Bytes that were read.
    read: u64,
    /// The declared length.
    length: Option<u64>,
    /// The client sends nothing until the body is asked for.
    waits: bool,
}

impl Leftover {
    /// Keeps an eye on the body of `request`; `None` where nothing needs to be thrown away: HTTP/2 has its own way.
    pub(crate) fn watch(request: Request<Body>) -> (Request<Body>, Option<Self>) {
        if request.version() >= Version::HTTP_2 || request.body().is_end_stream() {
            return (request, None);
        }
        let length = body::content_length(request.headers());
        let waits = request.headers().contains_key(EXPECT);
        let (head, body) = request.into_parts();
        let kept = Arc::new(Mutex::new(Kept { body, read: 0, length, waits }));
        let watched = Body::new(Watched(Arc::clone(&kept)));
        (Request::from_parts(head, watched), Some(Self(kept)))
    }

    /// Whether the handler wants no more of the body: while it does, the rest is the handler's.
    pub(crate) fn is_given_up(&self) -> bool {
        Arc::strong_count(&self.0) == 1 && !self.kept().body.is_end_stream()
    }

    /// Throws the rest away, unless it is too much or takes too long.
    pub(crate) async fn discard(self, bounds: Bounds, sleep: impl Fn(Duration) -> Sleep + Send + Sync) {
        let too_much = |kept: &Kept| {
            let declared = kept.length.is_some_and(|length| length - length.min(kept.read) > bounds.bytes);
            declared || kept.waits
        };
        if too_much(&self.kept()) {
            return;
        }
        // Whoever sends on for longer has had the chance to read the answer.
        let _ = Deadline::of(sleep(bounds.time)).within(self.read_on(bounds.bytes, &sleep)).await;
    }

    /// Reads until the end, or too much was read, or the sender stands still.
    async fn read_on(&self, mut left: u64, sleep: &(impl Fn(Duration) -> Sleep + Send + Sync)) {
        loop {
            let next = std::future::poll_fn(|cx| Pin::new(&mut self.kept().body).poll_frame(cx));
            let Ok(Some(Ok(frame))) = Deadline::of(sleep(IDLE)).within(next).await else {
                return;
            };
            let length = frame.data_ref().map_or(0, |data| data.len() as u64);
            match left.checked_sub(length) {
                Some(less) => left = less,
                None => return,
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body as its handler sees it.
struct Watched(Arc<Mutex<Kept>>);

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let polled = Pin::new(&mut kept.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            kept.read += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        // Even a poll without a byte asks a waiting client to send.
        kept.waits = false;
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).body.size_hint()
    }
}
