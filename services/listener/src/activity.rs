//! What a connection is waiting for, and for how long: whether a request is open, or its head has begun, or nothing is
//! going on.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How long a peer may take to begin with a request on a new connection, and to send the head of an HTTP/1 request.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection that is being closed may stay open without a request: its peer may still have one on the way.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a connection's state is looked at. A timer that each request sets anew would cost more.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// The state of one connection. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Activity(Arc<Mutex<State>>);

#[derive(Clone, Copy, Debug)]
struct State {
    /// Requests whose response has not ended.
    open: usize,
    waits_for: Awaited,
    since: Instant,
}

/// What a connection without an open request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// The first request, or what says that the protocol is HTTP/2.
    Beginning,
    /// Another request.
    Request,
    /// The rest of an HTTP/1 request's head.
    Head,
}

/// What a peer has sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// Bytes of HTTP/1.
    Http1,
    /// The preface of HTTP/2.
    Http2Preface,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { open: 0, waits_for: Awaited::Beginning, since: Instant::now() })))
    }

    /// Notes what the peer has sent. Bytes that come while a request is open may be its body's: a head that begins among
    /// them has the time of an idle connection, and not that of a head.
    pub(crate) fn note(&self, sent: Sent) {
        let mut state = self.state();
        let awaited = match (sent, state.waits_for) {
            (Sent::Http1, Awaited::Request) if state.open == 0 => Awaited::Head,
            (Sent::Http2Preface, Awaited::Beginning) => Awaited::Request,
            _ => return,
        };
        (state.waits_for, state.since) = (awaited, Instant::now());
    }

    /// A request has begun; it is open until the guard is dropped.
    pub(crate) fn begin(&self) -> OpenRequest {
        let mut state = self.state();
        state.open += 1;
        state.waits_for = Awaited::Request;
        OpenRequest(self.clone())
    }

    /// Waits until no request has been open for `idle_timeout`, or a head has not come in time.
    pub(crate) async fn idle(&self, idle_timeout: Duration) {
        self.quiet(|state| match state.waits_for {
            Awaited::Beginning | Awaited::Head => HEAD_TIMEOUT,
            Awaited::Request => idle_timeout,
        })
        .await;
    }

    /// Waits until no request has been open for as long as a connection may take to close.
    pub(crate) async fn unused(&self) {
        let closing = Instant::now();
        self.quiet(|state| CLOSE_TIMEOUT + closing.saturating_duration_since(state.since)).await;
    }

    /// Waits until no request has been open for the `timeout` of the state that lasts as long.
    async fn quiet(&self, timeout: impl Fn(&State) -> Duration + Send) {
        loop {
            let state = *self.state();
            let (now, deadline) = (Instant::now(), state.since + timeout(&state));
            let next = match state.open {
                0 if deadline <= now => return,
                0 => deadline.min(now + LOOK_INTERVAL),
                _ => now + LOOK_INTERVAL,
            };
            tokio::time::sleep_until(next).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a request open.
#[derive(Debug)]
pub(crate) struct OpenRequest(Activity);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.open = state.open.saturating_sub(1);
        state.since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    /// How long it takes until the connection counts as idle.
    async fn idle_after(activity: &Activity) -> Duration {
        let start = Instant::now();
        activity.idle(IDLE).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_has_the_time_of_a_head() {
        let activity = Activity::new();
        activity.note(Sent::Http1);
        assert_eq!(idle_after(&activity).await, HEAD_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_between_requests_has_the_idle_timeout() {
        let http2 = Activity::new();
        http2.note(Sent::Http2Preface);
        assert_eq!(idle_after(&http2).await, IDLE);
        let http1 = Activity::new();
        http1.note(Sent::Http1);
        drop(http1.begin());
        assert_eq!(idle_after(&http1).await, IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_head_has_its_own_time() {
        let activity = Activity::new();
        drop(activity.begin());
        tokio::time::sleep(IDLE / 2).await;
        activity.note(Sent::Http1);
        assert_eq!(idle_after(&activity).await, HEAD_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_an_open_request_is_never_idle() {
        let activity = Activity::new();
        let request = activity.begin();
        let idle = tokio::time::timeout(IDLE * 10, activity.idle(IDLE)).await;
        assert!(idle.is_err());
        drop(request);
        assert_eq!(idle_after(&activity).await, IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_is_being_closed_has_some_time_from_then_on() {
        let activity = Activity::new();
        tokio::time::sleep(IDLE).await;
        let start = Instant::now();
        activity.unused().await;
        assert_eq!(start.elapsed(), CLOSE_TIMEOUT);
    }
}
