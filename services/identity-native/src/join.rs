//! One run of a future for all who want its result at the same time.

use std::sync::{Mutex, PoisonError};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};

/// Lets callers whose calls overlap share one run. A run goes on as long as one of them waits for it.
pub(crate) struct Join<T: Clone> {
    running: Mutex<Option<WeakShared<BoxFuture<'static, T>>>>,
}

impl<T: Clone> Join<T> {
    pub(crate) const fn new() -> Self {
        Self { running: Mutex::new(None) }
    }

    /// The run that is under way, or else the one that `start` gives.
    pub(crate) fn run(&self, start: impl FnOnce() -> BoxFuture<'static, T>) -> Shared<BoxFuture<'static, T>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = running.as_ref().and_then(WeakShared::upgrade);
        // A run that has ended may have begun before whatever made this caller ask.
        under_way.filter(|run| run.peek().is_none()).unwrap_or_else(|| {
            let run = start().shared();
            *running = run.downgrade();
            run
        })
    }
}
