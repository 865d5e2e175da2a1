//! The passing of time.

use std::{future::Future, pin::pin, time::Duration};

use futures_util::future::{Either, select};
use storage::Timer;
use worker::{Delay, send::SendFuture};

/// Sleeps on the runtime's timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerTimer;

impl Timer for WorkerTimer {
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        sleep(duration)
    }
}

/// Resolves when `duration` has passed.
pub fn sleep(duration: Duration) -> impl Future<Output = ()> + Send + 'static {
    // The runtime's timer calls back on the one thread there is.
    SendFuture::new(Delay::from(duration))
}

/// What `future` answers, or `None` if it has not answered within `limit`.
pub(crate) async fn within<F: Future + Send>(limit: Duration, future: F) -> Option<F::Output> {
    match select(pin!(future), pin!(sleep(limit))).await {
        Either::Left((answer, _)) => Some(answer),
        Either::Right(((), _)) => None,
    }
}
