//! The rest of a request that was refused before it was read.
//!
//! Over HTTP/1.1 many clients write a whole request before they read the answer. Were the connection closed under them,
//! they would see a broken pipe instead of the reason: so the rest is read and thrown away, within bounds, ahead of the
//! answer.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Version, header::EXPECT};
use http_body::{Body as _, Frame, SizeHint};
use tonic::{Status, body::Body};

use crate::{body, config::DISCARD_IDLE, deadline::Deadline, shared::Shared};

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

    /// Throws the rest away, unless it is too much or takes too long.
    pub(crate) async fn discard(self, shared: &Shared) {
        let config = &shared.config;
        let too_much = |kept: &Kept| {
            let declared =
                kept.length.is_some_and(|length| length - length.min(kept.read) > config.max_discarded_bytes);
            declared || kept.waits
        };
        if too_much(&self.kept()) {
            return;
        }
        // Whoever sends on for longer has had the chance to read the answer.
        let rest = self.read_on(shared);
        let _ = Deadline::start(&*shared.host, config.idle_timeout).within(rest).await;
    }

    /// Reads until the end, or too much was read, or the sender stands still.
    async fn read_on(&self, shared: &Shared) {
        let mut left = shared.config.max_discarded_bytes;
        loop {
            let next = std::future::poll_fn(|cx| Pin::new(&mut self.kept().body).poll_frame(cx));
            let Ok(Some(Ok(frame))) = Deadline::start(&*shared.host, DISCARD_IDLE).within(next).await else {
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
