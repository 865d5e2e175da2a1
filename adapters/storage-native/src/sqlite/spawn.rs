//! Runs work as a task, so that it makes progress without being polled.
//!
//! A future that is part of a response body is polled only while the client reads. If it held one of the few read
//! connections, or were the next to get one, a few clients that do not read would block the database for all others.

use std::future::Future;

use storage::{Error, Result};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

/// Runs `work` as a task and returns its result. Dropping this future aborts the task.
///
/// # Errors
/// The error of `work`; [`Error::Unavailable`] if it panics or the runtime shuts down.
#[expect(clippy::disallowed_methods, reason = "one task for each call, which ends with it")]
pub(super) async fn spawn_and_join<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    AbortOnDropHandle::new(tokio::spawn(work.in_current_span())).await.map_err(Error::unavailable)?
}
