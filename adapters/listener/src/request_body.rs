//! A request body with a minimum speed for its sender.

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

/// The timeout for the first bytes of a body from a caller without a token.
const ANONYMOUS_TIMEOUT: Duration = Duration::from_secs(10);
/// The minimum timeout for more bytes once the response has started: a bidirectional stream may pause, and its service has
/// limits of its own.
const STREAM_TIMEOUT: Duration = Duration::from_secs(60);

/// A body that fails if its sender is too slow. The error is a [`Status`], so that a gRPC service sends the reason to its
/// client.
pub struct RequestBody {
    body: Incoming,
    allowance: Allowance,
    pace: Pace,
    /// The shorter timeout for the first bytes, if the sender has one.
    first_timeout: Option<Duration>,
    response_started: ResponseStarted,
    is_stream: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

/// Whether the response to a request has started. Clones share the state.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseStarted(Arc<AtomicBool>);

impl ResponseStarted {
    /// Records that the response has started.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl RequestBody {
    pub(crate) fn new(
        body: Incoming,
        headers: &HeaderMap,
        pace: Pace,
        response_started: ResponseStarted,
    ) -> Self {
        let first_timeout = first_timeout(headers, pace);
        let allowance = first_timeout
            .map_or_else(|| Allowance::full(pace), |first| Allowance::starting_with(first, pace));
        Self { body, allowance, pace, first_timeout, response_started, is_stream: false, timer: None }
    }

    /// Switches to the pace of streams once the response has started.
    fn update_pace(&mut self) {
        if self.response_started.get() && !self.is_stream {
            self.is_stream = true;
            self.pace = Pace { interval: self.pace.interval.max(STREAM_TIMEOUT), bytes: 1 };
            self.allowance = Allowance::full(self.pace);
            self.first_timeout = None;
        }
    }

    /// Ready with an error when the sender has been silent for too long.
    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<Status> {
        loop {
            let now = Instant::now();
            let deadline = self.allowance.start_waiting(now);
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
            // The timer may belong to bytes that have arrived since: it is reset only when it fires.
            std::task::ready!(timer.as_mut().poll(cx));
            if deadline <= now {
                return Poll::Ready(slow_body_status(self.first_timeout, self.pace));
            }
            self.timer = None;
        }
    }
}

/// The timeout for the first bytes of a request with these headers, if it is shorter than the interval of `pace`.
fn first_timeout(headers: &HeaderMap, pace: Pace) -> Option<Duration> {
    let is_anonymous = !headers.contains_key(AUTHORIZATION);
    Some(ANONYMOUS_TIMEOUT).filter(|first| is_anonymous && *first < pace.interval)
}

fn slow_body_status(first_timeout: Option<Duration>, pace: Pace) -> Status {
    let Pace { interval, bytes } = pace;
    let seconds = interval.as_secs_f64();
    // A few bytes earn little time, so the timeout for the first ones can also end a body that has begun.
    let first = first_timeout.map(|first| {
        format!("without a token, send its first bytes within {} s, and then ", first.as_secs_f64())
    });
    Status::deadline_exceeded(format!(
        "The request body was too slow: {}send at least {bytes} bytes every {seconds} s. Retry faster.",
        first.unwrap_or_default()
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
        this.update_pace();
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            return this.poll_timeout(cx).map(|status| Some(Err(status)));
        };
        let bytes = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
        this.allowance.add_progress(bytes, Instant::now());
        Poll::Ready(frame.map(|frame| frame.map_err(|error| Status::from_error(error.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// The message for a request that is too slow.
    fn message(headers: &HeaderMap, interval: u64) -> String {
        let pace = Pace { interval: Duration::from_secs(interval), bytes: 1000 };
        slow_body_status(first_timeout(headers, pace), pace).message().to_owned()
    }

    #[test]
    fn the_error_names_the_timeout_that_applies() {
        let (anonymous, mut headers) = (HeaderMap::new(), HeaderMap::new());
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        assert_eq!(
            message(&anonymous, 30),
            "The request body was too slow: without a token, send its first bytes within 10 s, and then send at least \
             1000 bytes every 30 s. Retry faster."
        );
        let full = "The request body was too slow: send at least 1000 bytes every 30 s. Retry faster.";
        assert_eq!(message(&headers, 30), full);
        let shorter = "The request body was too slow: send at least 1000 bytes every 5 s. Retry faster.";
        assert_eq!(message(&anonymous, 5), shorter);
    }
}
