//! Stops a statement whose caller has gone, and one that takes too long.
//!
//! The thread of a connection notices that its caller has gone when it has a row to send; a scan that finds nothing never
//! has one. So SQLite asks by its progress handler, every [`INSTRUCTIONS`], whether to continue.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::SqliteConnection;

/// How many instructions SQLite runs between two questions: some 0.1 ms.
const INSTRUCTIONS: i32 = 1_000;

/// Until when the statements of one connection may run. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Deadline {
    epoch: Instant,
    /// Nanoseconds since the epoch.
    at: Arc<AtomicU64>,
}

impl Deadline {
    /// The deadline of `connection`. It has passed until it is first set.
    ///
    /// # Errors
    /// The connection's thread is gone.
    #[expect(clippy::disallowed_methods, reason = "the thread of SQLite has no runtime to ask for the time")]
    pub(super) async fn of(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let deadline = Self { epoch: Instant::now(), at: Arc::new(AtomicU64::new(0)) };
        let asked = deadline.clone();
        connection.lock_handle().await?.set_progress_handler(INSTRUCTIONS, move || !asked.has_passed());
        Ok(deadline)
    }

    /// What runs from now on may take as long as `limit`.
    pub(super) fn set(&self, limit: Duration) {
        self.at.store(nanos(self.epoch.elapsed().saturating_add(limit)), Ordering::Relaxed);
    }

    /// What runs stops.
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
