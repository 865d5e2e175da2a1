//! Runs work as a task, so that it makes progress without being polled.
//!
//! A future that is part of a response body is polled only while the client reads. If it held one of a few places (a read
//! connection, a place in the queue of writes, a call to a bridge), or were the next to get one, a few clients that do not
//! read would block the database for all others.

use std::future::Future;

use storage::Error;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

/// Runs `work` as a task and returns its result. Dropping this future aborts the task.
///
/// # Errors
/// The error of `work`; an [`Error::Unavailable`] if it panics or the runtime shuts down.
#[expect(clippy::disallowed_methods, reason = "one task for each call, which ends with it")]
pub(crate) async fn spawn_and_join<T: Send + 'static, E: From<Error> + Send + 'static>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E> {
    AbortOnDropHandle::new(tokio::spawn(work.in_current_span())).await.map_err(Error::unavailable)?
}
