//! A timer beside each response: it ends one that its peer does not read, although nobody polls its body then.
//!
//! hyper polls a response's body only while the peer takes bytes. So what drives the body (the connection over HTTP/1, the
//! stream's task over HTTP/2) runs inside a [`Paced`], which also polls a timer. The body's own wrapper finds the
//! [`Meter`] of the `Paced` around it by a task-local variable, for hyper passes nothing from one to the other.

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
    static AROUND: Arc<Meter>;
}

/// How a peer reads the response that is being sent to it.
#[derive(Debug)]
pub(crate) struct Meter {
    pace: Pace,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    allowance: Allowance,
    /// Bytes that hyper was given and has not asked for more after.
    offered: usize,
}

impl Meter {
    fn new(pace: Pace) -> Arc<Self> {
        Arc::new(Self { pace, state: Mutex::new(State::new(pace)) })
    }

    /// The meter of the [`Paced`] that is being polled.
    pub(crate) fn around() -> Option<Arc<Self>> {
        AROUND.try_with(Arc::clone).ok()
    }

    /// A new response begins.
    pub(crate) fn begin(&self) {
        *self.state() = State::new(self.pace);
    }

    /// These bytes wait for the peer.
    pub(crate) fn offer(&self, bytes: usize) {
        let mut state = self.state();
        state.offered = bytes;
        state.allowance.wait(Instant::now());
    }

    /// What was offered is on its way.
    pub(crate) fn taken(&self) {
        let mut state = self.state();
        let offered = std::mem::take(&mut state.offered);
        if offered > 0 {
            state.allowance.moved(offered, Instant::now());
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
    /// A future that sends responses, given up when the peer reads one too slowly.
    pub(crate) struct Paced<F> {
        #[pin]
        sends: F,
        meter: Arc<Meter>,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<F> Paced<F> {
    pub(crate) fn new(sends: F, pace: Pace) -> Self {
        Self { sends, meter: Meter::new(pace), timer: None }
    }

    /// What it drives.
    pub(crate) fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut F> {
        self.project().sends
    }
}

impl<F: Future> Future for Paced<F> {
    /// `None` if the peer was too slow.
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let meter = Arc::clone(this.meter);
        if let Poll::Ready(output) = AROUND.sync_scope(meter, || this.sends.poll(cx)) {
            return Poll::Ready(Some(output));
        }
        loop {
            let Some(deadline) = this.meter.deadline() else { return Poll::Pending };
            let Some(timer) = this.timer.as_mut().as_pin_mut() else {
                this.timer.set(Some(sleep_until(deadline)));
                continue;
            };
            // Most often the timer is that of bytes that were taken long ago: it is set anew when it rings, not before.
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

/// Runs each HTTP/2 stream of a connection inside a [`Paced`] of its own.
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
                tracing::debug!("the peer does not read a response: its stream is reset");
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
    async fn a_response_that_is_not_read_is_given_up() {
        let start = Instant::now();
        let sends = async {
            let meter = Meter::around().unwrap();
            meter.begin();
            meter.offer(100);
            pending::<()>().await;
        };
        assert_eq!(Paced::new(sends, PACE).await, None);
        assert_eq!(start.elapsed(), PACE.interval);
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_read_or_has_nothing_to_send_goes_on() {
        let sends = async {
            let meter = Meter::around().unwrap();
            meter.begin();
            for _ in 0..100 {
                meter.offer(1000);
                tokio::time::sleep(Duration::from_secs(9)).await;
                meter.taken();
            }
            tokio::time::sleep(Duration::from_secs(1000)).await;
        };
        assert_eq!(Paced::new(sends, PACE).await, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_is_read_in_drops_is_given_up() {
        let start = Instant::now();
        let sends = async {
            let meter = Meter::around().unwrap();
            loop {
                meter.offer(10);
                tokio::time::sleep(Duration::from_secs(1)).await;
                meter.taken();
            }
        };
        assert_eq!(Paced::new(sends, PACE).await, None::<()>);
        assert!(start.elapsed() < PACE.interval * 2);
    }
}
