//! Work that outlives the response that started it.

use std::{future::Future, pin::Pin};

/// One piece of background work; it logs its own failures.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs work after the response: a tracked task natively, `waitUntil` in a Worker.
pub trait Background: Clone + Send + Sync + 'static {
    /// Starts `task`, or drops it if the host has no room for more: the caller must be able to do without.
    fn run(&self, task: Task);
}
