//! A request's body, whose sender may not stand still.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, header::AUTHORIZATION};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::Status;

use crate::pace::{Allowance, Pace};

/// How long a caller without a token may be silent before the first bytes of a body.
const STRANGER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller may be silent once the response has begun: a stream in both directions goes on at its own pace, and
/// its service knows best how long.
const STREAM_SILENCE: Duration = Duration::from_secs(60);

/// A body that fails if its sender is too slow. It fails by a [`Status`], so that a gRPC service passes the reason on.
pub struct RequestBody {
    body: Incoming,
    allowance: Allowance,
    pace: Pace,
    answered: Answered,
    is_stream: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

/// Whether a request's response has begun.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answered(Arc<AtomicBool>);

impl Answered {
    /// It has.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl RequestBody {
    pub(crate) fn new(body: Incoming, headers: &HeaderMap, pace: Pace, answered: Answered) -> Self {
        let allowance = if headers.contains_key(AUTHORIZATION) {
            Allowance::full(pace)
        } else {
            Allowance::beginning_with(STRANGER_TIMEOUT, pace)
        };
        Self { body, allowance, pace, answered, is_stream: false, timer: None }
    }

    /// The pace from now on, where it is another since the response has begun.
    fn pace_of_stream(&mut self) {
        if self.answered.get() && !self.is_stream {
            self.is_stream = true;
            self.pace = Pace { interval: self.pace.interval.max(STREAM_SILENCE), bytes: 1 };
            self.allowance = Allowance::full(self.pace);
        }
    }

    /// Waits for the sender, for as long as it may still be silent.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        loop {
            let now = Instant::now();
            let deadline = self.allowance.wait(now);
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            // The timer may be that of bytes that have come: it is set anew when it rings.
            std::task::ready!(timer.as_mut().poll(cx));
            if deadline <= now {
                return Poll::Ready(too_slow(self.pace));
            }
            self.timer = None;
        }
    }
}

fn too_slow(pace: Pace) -> Status {
    let Pace { interval, bytes } = pace;
    let seconds = interval.as_secs_f64();
    Status::deadline_exceeded(format!(
        "The request's body came too slowly: at least {bytes} bytes must come in {seconds} s. Send it again, faster."
    ))
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        this.pace_of_stream();
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            return this.poll_late(cx).map(|late| Some(Err(late)));
        };
        let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
        this.allowance.moved(bytes, Instant::now());
        Poll::Ready(frame.map(|frame| frame.map_err(|error| Status::from_error(error.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
