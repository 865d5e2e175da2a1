//! Waiting, as an argument.

use std::{future::Future, time::Duration};

/// Lets time pass.
pub trait Timer: Clone + Send + Sync + 'static {
    /// Resolves when `duration` has passed.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static;
}
