//! Work that makes progress without being polled.
//!
//! A future that is part of a response's body is polled only while the client reads. If it held a place among the
//! readers, or were next in line for one, a few clients that read nothing would keep everybody from the database.

use std::future::Future;

use storage::{Error, Result};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

/// The outcome of `work`, which makes progress also while nobody polls this future. Dropping the future ends the work.
///
/// # Errors
/// What the work answers; [`Error::Unavailable`] if it panics or the runtime ends.
#[expect(clippy::disallowed_methods, reason = "one task for each call, which ends with it")]
pub(super) async fn driven<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    AbortOnDropHandle::new(tokio::spawn(work.in_current_span())).await.map_err(Error::unavailable)?
}
