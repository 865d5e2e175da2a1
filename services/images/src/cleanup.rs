//! The daily clean-up. It is safe to stop at any point, to repeat, and to run twice at the same time.
//!
//! It removes images that were deleted long ago (`purge`), uploads that were never completed, and objects without a record
//! (`sweep`). Swept objects of images first move to a quarantine (`quarantine`). Before all that it checks that the database
//! and the object store belong together: with the wrong database, every object seems to have no record.

mod pages;
mod purge;
mod quarantine;
mod sweep;

use std::fmt;

use runtime::{Clock, Entropy, Pauses, Timer, Timestamp};
use storage::{Database, ObjectStore, Session};

use crate::{
    binding::{BindError, bind},
    direct::STAGING_PREFIX,
    repo,
};

/// How long a deleted image can be restored: 30 days.
const RETENTION_SECONDS: i64 = 30 * 24 * 60 * 60;

/// How old an object without a record must be before it is swept: one day, so that no running upload loses its object.
/// Direct uploads that are not completed expire at the same age. They are removed first, because the object of an upload is
/// never older than the upload.
const ORPHAN_SECONDS: i64 = 24 * 60 * 60;

/// The most uploads that one statement removes.
const EXPIRE_BATCH: u32 = 500;

/// How many objects are listed, and looked up in the database, at a time.
const PAGE: usize = 500;

/// The default of [`CleanupSettings::max_sweep_percent`]. Crashes leave only a few of a thousand objects without a record.
pub const DEFAULT_MAX_SWEEP_PERCENT: u8 = 10;

/// A sweep of up to this many objects is allowed whatever their share is: in a small store, one object can be a large share.
pub const SMALL_SWEEP: u64 = 10;

/// The default of [`CleanupSettings::max_moves`].
pub const DEFAULT_MAX_MOVES: usize = 10_000;

/// The settings of a clean-up.
#[derive(Clone, Copy, Debug)]
pub struct CleanupSettings {
    /// The largest share that a sweep may move of all objects older than one day, in percent. If it would have to move more
    /// than that, and more than [`SMALL_SWEEP`] objects, it moves none.
    pub max_sweep_percent: u8,
    /// The most objects that one clean-up moves into the quarantine, and tries to move out of it; the next clean-up continues.
    /// A Worker needs this limit, because its number of calls is limited.
    pub max_moves: usize,
}

impl Default for CleanupSettings {
    fn default() -> Self {
        Self { max_sweep_percent: DEFAULT_MAX_SWEEP_PERCENT, max_moves: DEFAULT_MAX_MOVES }
    }
}

/// The result of a clean-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// Images deleted more than 30 days ago that were removed, with their annotations and objects.
    pub purged_images: u64,
    /// Direct uploads that were not completed within one day and were removed.
    pub expired_uploads: u64,
    /// Objects older than one day without a record: those of images were moved to the quarantine, the others deleted.
    pub swept_objects: u64,
    /// Objects in the quarantine that have a record again and were moved back.
    pub restored_objects: u64,
    /// Objects that were in the quarantine for 7 days and were removed.
    pub removed_objects: u64,
}

impl fmt::Display for CleanupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { purged_images, expired_uploads, swept_objects, restored_objects, removed_objects } = self;
        write!(
            f,
            "{purged_images} images purged, {expired_uploads} uploads expired, {swept_objects} objects swept, \
             {restored_objects} restored from quarantine, {removed_objects} removed from it"
        )
    }
}

/// Why a clean-up stopped. The messages are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum CleanupError {
    /// The database or the object store failed; the next clean-up does the rest.
    #[error("the clean-up did not complete, the next one continues: {0}")]
    Storage(#[from] storage::Error),

    /// The database and the object store do not belong together; nothing was removed.
    #[error("the clean-up removed nothing: {0}")]
    Unbound(#[from] BindError),

    /// So many objects have no record that records were probably lost; no object was swept.
    #[error(
        "the sweep moved nothing: {orphans} of {objects} objects have no record in the database, more than \
         {max_percent} %. Check whether the database is an old backup or the wrong one, and restore the newest. To sweep \
         these objects, run `reticle cleanup --max-sweep-percent {percent}` once (in a Worker, set RETICLE_MAX_SWEEP_PERCENT); \
         they stay in the quarantine for 7 days"
    )]
    TooManyOrphans {
        /// Objects older than one day without a record.
        orphans: u64,
        /// All objects older than one day.
        objects: u64,
        /// The share of the orphans, in percent.
        percent: u64,
        /// The largest share that is allowed.
        max_percent: u8,
    },
}

/// Images that were deleted at this time or before cannot be restored at `now`.
pub(crate) const fn purge_before(now: Timestamp) -> Timestamp {
    now.plus_seconds(-RETENTION_SECONDS)
}

/// Runs a clean-up: purges images deleted more than 30 days ago and uploads not completed within one day; moves objects back
/// from the quarantine if they have a record; and moves objects there that are older than one day and have no record. Between
/// batches of writes it pauses ([`Pauses`]).
///
/// # Errors
/// [`CleanupError`]; the next run does the rest.
pub async fn cleanup<D, O, C, T, E>(
    database: &D,
    objects: &O,
    clock: &C,
    timer: &T,
    entropy: &E,
    settings: CleanupSettings,
) -> Result<CleanupReport, CleanupError>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    T: Timer,
    E: Entropy,
{
    bind(database, objects, clock, entropy).await?;
    let session = Session::new(database);
    let (now, pauses) = (clock.now(), Pauses::new(clock, timer));
    let purged_images = purge::purge(&session, objects, now, &pauses).await?;
    let expired_uploads = expire(&session, now, &pauses).await?;
    let swept_uploads = sweep::delete_old(objects, STAGING_PREFIX, orphan_before(now)).await?;
    let (restored_objects, removed_objects) = quarantine::review(&session, objects, now, settings).await?;
    let swept_images = sweep::sweep(&session, objects, orphan_before(now), settings).await?;
    let swept_objects = swept_uploads + swept_images;
    Ok(CleanupReport { purged_images, expired_uploads, swept_objects, restored_objects, removed_objects })
}

async fn expire<D: Database, C: Clock, T: Timer>(
    session: &Session<'_, D>,
    now: Timestamp,
    pauses: &Pauses<'_, C, T>,
) -> storage::Result<u64> {
    let mut expired = 0;
    loop {
        let removed = pauses.after(repo::uploads::expire(session, orphan_before(now), EXPIRE_BATCH)).await?;
        expired += removed;
        if removed == 0 {
            return Ok(expired);
        }
    }
}

/// Objects that were stored before this time and have no record at `now` are orphans.
const fn orphan_before(now: Timestamp) -> Timestamp {
    now.plus_seconds(-ORPHAN_SECONDS)
}
