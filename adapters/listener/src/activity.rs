//! The state of a connection and since when: a request is open, a request head has started, or the connection is idle.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The timeout for the first request on a new connection, and for the head of an HTTP/1 request.
pub(crate) const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection that is being closed stays open without a request: the peer may already have sent one.
pub(crate) const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the state of a connection is checked. Resetting a timer with each request would cost more.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

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

/// The event that a connection without an open request waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// The first request, or the preface of HTTP/2.
    FirstRequest,
    /// Another request.
    Request,
    /// The rest of an HTTP/1 request's head.
    Head,
}

/// What was received from a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Bytes of HTTP/1.
    Http1,
    /// The preface of HTTP/2.
    Http2Preface,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { open: 0, waits_for: Awaited::FirstRequest, since: Instant::now() })))
    }

    /// Records what was received. Bytes that arrive while a request is open may belong to its body, so a head that starts
    /// among them has the timeout of an idle connection, not that of a head.
    pub(crate) fn record(&self, received: Received) {
        let mut state = self.state();
        let awaited = match (received, state.waits_for) {
            (Received::Http1, Awaited::Request) if state.open == 0 => Awaited::Head,
            (Received::Http2Preface, Awaited::FirstRequest) => Awaited::Request,
            _ => return,
        };
        (state.waits_for, state.since) = (awaited, Instant::now());
    }

    /// Records the start of a request, which is open until the guard is dropped.
    pub(crate) fn start_request(&self) -> OpenRequest {
        let mut state = self.state();
        state.open += 1;
        state.waits_for = Awaited::Request;
        OpenRequest(self.clone())
    }

    /// Waits until no request has been open for `idle_timeout`, or a head has not arrived within its timeout.
    pub(crate) async fn wait_until_idle(&self, idle_timeout: Duration) {
        self.wait_without_request(|state| match state.waits_for {
            Awaited::FirstRequest | Awaited::Head => HEAD_TIMEOUT,
            Awaited::Request => idle_timeout,
        })
        .await;
    }

    /// Waits until no request has been open for [`CLOSE_TIMEOUT`] since this call.
    pub(crate) async fn wait_until_closable(&self) {
        let closing = Instant::now();
        self.wait_without_request(|state| CLOSE_TIMEOUT + closing.saturating_duration_since(state.since))
            .await;
    }

    /// Waits until no request has been open for the `timeout` of the current state.
    async fn wait_without_request(&self, timeout: impl Fn(&State) -> Duration + Send) {
        loop {
            let state = *self.state();
            let (now, deadline) = (Instant::now(), state.since + timeout(&state));
            let next = match state.open {
                0 if deadline <= now => return,
                0 => deadline.min(now + CHECK_INTERVAL),
                _ => now + CHECK_INTERVAL,
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

    /// The time until the connection counts as idle.
    async fn idle_after(activity: &Activity) -> Duration {
        let start = Instant::now();
        activity.wait_until_idle(IDLE).await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_has_the_timeout_of_a_head() {
        let activity = Activity::new();
        activity.record(Received::Http1);
        assert_eq!(idle_after(&activity).await, HEAD_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_between_requests_has_the_idle_timeout() {
        let http2 = Activity::new();
        http2.record(Received::Http2Preface);
        assert_eq!(idle_after(&http2).await, IDLE);
        let http1 = Activity::new();
        http1.record(Received::Http1);
        drop(http1.start_request());
        assert_eq!(idle_after(&http1).await, IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_head_has_its_own_timeout() {
        let activity = Activity::new();
        drop(activity.start_request());
        tokio::time::sleep(IDLE / 2).await;
        activity.record(Received::Http1);
        assert_eq!(idle_after(&activity).await, HEAD_TIMEOUT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_an_open_request_is_never_idle() {
        let activity = Activity::new();
        let request = activity.start_request();
        let idle = tokio::time::timeout(IDLE * 10, activity.wait_until_idle(IDLE)).await;
        assert!(idle.is_err());
        drop(request);
        assert_eq!(idle_after(&activity).await, IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn the_close_timeout_starts_when_the_connection_is_being_closed() {
        let activity = Activity::new();
        tokio::time::sleep(IDLE).await;
        let start = Instant::now();
        activity.wait_until_closable().await;
        assert_eq!(start.elapsed(), CLOSE_TIMEOUT);
    }
}
