//! Work that continues after the response of the request that started it.

use std::{future::Future, pin::Pin};

/// One piece of background work; it logs its own failures.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs work after the response: a tracked task in a native program, `waitUntil` in a Worker.
pub trait Background: Clone + Send + Sync + 'static {
    /// Starts `task`, or drops it if the host's limit of tasks is reached. So the caller must not depend on it.
    fn run(&self, task: Task);
}
