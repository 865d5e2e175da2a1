//! The gateway's timer.

use std::time::Duration;

/// Sleeps on the runtime's timer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WorkerTimer;

impl gateway_core::Timer for WorkerTimer {
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        storage_worker::sleep(duration)
    }
}
