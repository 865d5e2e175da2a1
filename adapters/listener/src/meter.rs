//! A timer for each response: it ends a response that its peer does not read, although its body is not polled then.
//!
//! hyper polls a response body only while the peer accepts bytes. So the future that drives the body (the connection with
//! HTTP/1, the task of the stream with HTTP/2) runs inside a [`Paced`], which also polls a timer. The wrapper of the body
//! finds the [`Meter`] of its `Paced` in a task-local variable, because hyper offers no way to pass it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use hyper::rt::Executor;
use hyper_util::rt::TokioExecutor;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::pace::{Allowance, Pace};

tokio::task_local! {
    static CURRENT: Arc<Meter>;
}

/// Measures how fast a peer reads the current response.
#[derive(Debug)]
pub(crate) struct Meter {
    pace: Pace,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    allowance: Allowance,
    /// Bytes that were passed to hyper, until it asks for more.
    offered: usize,
}

impl Meter {
    fn new(pace: Pace) -> Arc<Self> {
        Arc::new(Self { pace, state: Mutex::new(State::new(pace)) })
    }

    /// The meter of the [`Paced`] that is being polled.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// Resets the meter for a new response.
    pub(crate) fn start_response(&self) {
        *self.state() = State::new(self.pace);
    }

    /// Records that this many bytes wait for the peer.
    pub(crate) fn offer(&self, bytes: usize) {
        let mut state = self.state();
        state.offered = bytes;
        state.allowance.start_waiting(Instant::now());
    }

    /// Records that hyper has sent the offered bytes.
    pub(crate) fn confirm_offered(&self) {
        let mut state = self.state();
        let offered = std::mem::take(&mut state.offered);
        if offered > 0 {
            state.allowance.add_progress(offered, Instant::now());
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.state().allowance.deadline()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    const fn new(pace: Pace) -> Self {
        Self { allowance: Allowance::full(pace), offered: 0 }
    }
}

pin_project! {
    /// A future that sends responses. It is aborted when the peer reads a response too slowly.
    pub(crate) struct Paced<F> {
        #[pin]
        sender: F,
        meter: Arc<Meter>,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<F> Paced<F> {
    pub(crate) fn new(sender: F, pace: Pace) -> Self {
        Self { sender, meter: Meter::new(pace), timer: None }
    }

    /// The inner future.
    pub(crate) fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut F> {
        self.project().sender
    }
}

impl<F: Future> Future for Paced<F> {
    /// `None` if the peer was too slow.
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let meter = Arc::clone(this.meter);
        if let Poll::Ready(output) = CURRENT.sync_scope(meter, || this.sender.poll(cx)) {
            return Poll::Ready(Some(output));
        }
        loop {
            let Some(deadline) = this.meter.deadline() else { return Poll::Pending };
            let Some(timer) = this.timer.as_mut().as_pin_mut() else {
                this.timer.set(Some(sleep_until(deadline)));
                continue;
            };
            // Usually the timer belongs to bytes that were sent long ago: it is reset only when it fires.
            if timer.poll(cx).is_pending() {
                return Poll::Pending;
            }
            if deadline <= Instant::now() {
                return Poll::Ready(None);
            }
            this.timer.set(None);
        }
    }
}

/// Runs each HTTP/2 stream of a connection inside its own [`Paced`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct PacedExecutor {
    pub(crate) pace: Pace,
}

impl<F> Executor<F> for PacedExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let paced = Paced::new(stream, self.pace);
        TokioExecutor::new().execute(async move {
            // Dropping the stream resets it.
            if paced.await.is_none() {
                tracing::debug!("the peer reads a response too slowly; resetting its stream");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use super::*;

    const PACE: Pace = Pace { interval: Duration::from_secs(10), bytes: 1000 };

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_not_read_is_aborted() {
        let start = Instant::now();
        let sender = async {
            let meter = Meter::current().unwrap();
            meter.start_response();
            meter.offer(100);
            pending::<()>().await;
        };
        assert_eq!(Paced::new(sender, PACE).await, None);
        assert_eq!(start.elapsed(), PACE.interval);
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_read_or_has_nothing_to_send_continues() {
        let sender = async {
            let meter = Meter::current().unwrap();
            meter.start_response();
            for _ in 0..100 {
                meter.offer(1000);
                tokio::time::sleep(Duration::from_secs(9)).await;
                meter.confirm_offered();
            }
            tokio::time::sleep(Duration::from_secs(1000)).await;
        };
        assert_eq!(Paced::new(sender, PACE).await, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_read_too_slowly_is_aborted() {
        let start = Instant::now();
        let sender = async {
            let meter = Meter::current().unwrap();
            loop {
                meter.offer(10);
                tokio::time::sleep(Duration::from_secs(1)).await;
                meter.confirm_offered();
            }
        };
        assert_eq!(Paced::new(sender, PACE).await, None::<()>);
        assert!(start.elapsed() < PACE.interval * 2);
    }
}
