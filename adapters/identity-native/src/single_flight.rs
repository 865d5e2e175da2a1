//! Merges calls that overlap into one run of a future.

use std::sync::{Mutex, PoisonError};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};

/// Lets callers whose calls overlap share one run. A run continues while at least one of them waits for it.
pub(crate) struct SingleFlight<T: Clone> {
    running: Mutex<Option<WeakShared<BoxFuture<'static, T>>>>,
}

impl<T: Clone> SingleFlight<T> {
    pub(crate) const fn new() -> Self {
        Self { running: Mutex::new(None) }
    }

    /// The current run, or a new one from `start` if there is none.
    pub(crate) fn run(&self, start: impl FnOnce() -> BoxFuture<'static, T>) -> Shared<BoxFuture<'static, T>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let current = running.as_ref().and_then(WeakShared::upgrade);
        // A completed run must not be reused: it may be older than the event that made this caller call.
        current.filter(|run| run.peek().is_none()).unwrap_or_else(|| {
            let run = start().shared();
            *running = run.downgrade();
            run
        })
    }
}
