//! Stops a statement whose caller has stopped waiting, or that takes too long.
//!
//! The thread of a connection detects that its caller has stopped waiting when it sends a row, but a scan that finds nothing
//! never sends one. So SQLite's progress handler checks, every [`INSTRUCTIONS`] instructions, whether to continue.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::SqliteConnection;

/// How many instructions SQLite runs between two checks: some 0.1 ms.
const INSTRUCTIONS: i32 = 1_000;

/// The moment until which the statements of one connection may run. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Deadline {
    epoch: Instant,
    /// Nanoseconds since the epoch.
    at: Arc<AtomicU64>,
}

impl Deadline {
    /// Installs a deadline in `connection`. It counts as passed until it is first set.
    ///
    /// # Errors
    /// The connection's thread has ended.
    #[expect(clippy::disallowed_methods, reason = "the thread of SQLite has no tokio runtime with a clock")]
    pub(super) async fn of(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let deadline = Self { epoch: Instant::now(), at: Arc::new(AtomicU64::new(0)) };
        let checked = deadline.clone();
        connection.lock_handle().await?.set_progress_handler(INSTRUCTIONS, move || !checked.has_passed());
        Ok(deadline)
    }

    /// Allows statements to run for `limit` from now on.
    pub(super) fn set(&self, limit: Duration) {
        self.at.store(nanos(self.epoch.elapsed().saturating_add(limit)), Ordering::Relaxed);
    }

    /// Stops the running statement.
    pub(super) fn stop(&self) {
        self.at.store(0, Ordering::Relaxed);
    }

    fn has_passed(&self) -> bool {
        nanos(self.epoch.elapsed()) >= self.at.load(Ordering::Relaxed)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
