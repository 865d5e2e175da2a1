//! tokio's timer for the gateway.

use std::time::Duration;

/// Sleeps on tokio's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokioTimer;

impl gateway_core::Timer for TokioTimer {
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
        tokio::time::sleep(duration)
    }
}
