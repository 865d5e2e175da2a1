//! The daily clean-up. It may be stopped at any point, repeated, and run twice at the same time.

use std::fmt;

use runtime::{Clock, Pauses, Timer};
use storage::{Database, Result, Session};

use crate::repo::streams;

/// How long a stream is kept after it was last opened or written: 30 days.
const STREAM_RETENTION_SECONDS: i64 = 30 * 24 * 60 * 60;

/// The result of a clean-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// The number of removed streams: those that were neither opened nor written for 30 days. Their annotations stay.
    pub expired_streams: u64,
}

impl fmt::Display for CleanupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} unused ingest streams expired", self.expired_streams)
    }
}

/// Removes the streams that are due, one page per statement and with pauses ([`Pauses`]), so that other writes wait for a few
/// milliseconds at most.
///
/// # Errors
/// The database failed. What was removed before stays removed.
pub async fn cleanup(
    database: &impl Database,
    clock: &impl Clock,
    timer: &impl Timer,
) -> Result<CleanupReport> {
    let (session, pauses) = (Session::new(database), Pauses::new(clock, timer));
    let due = clock.now().plus_seconds(-STREAM_RETENTION_SECONDS);
    let mut report = CleanupReport::default();
    let mut after = streams::Key::default();
    loop {
        let page_end = streams::page_end(&session, &after).await?;
        report.expired_streams += pauses.after(streams::expire(&session, &after, due)).await?;
        match page_end {
            Some(last) => after = last,
            None => return Ok(report),
        }
    }
}
