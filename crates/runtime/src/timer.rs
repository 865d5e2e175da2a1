//! Timers, as an argument.

use std::{future::Future, time::Duration};

/// A timer. Services wait only through it, so that each host can supply its own.
pub trait Timer: Clone + Send + Sync + 'static {
    /// Resolves when `duration` has passed.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static;
}
