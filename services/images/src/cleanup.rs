//! The daily clean-up. Safe to stop at any point, to repeat, and to run twice at once.
//!
//! It removes what is due (`purge`, uploads that were never completed) and what belongs to nobody (`sweep`), the latter by
//! way of a quarantine (`quarantine`). Before all that it makes sure that the database and the object store belong
//! together: to a foreign database every object looks like one that belongs to nobody.

mod pages;
mod purge;
mod quarantine;
mod sweep;

use std::fmt;

use storage::{Clock, Database, Entropy, ObjectStore, Session, Timestamp};

use crate::{
    binding::{BindError, bind},
    direct::STAGING_PREFIX,
    repo,
};

/// How long a deleted image can be brought back: 30 days.
const RETENTION_SECONDS: i64 = 30 * 24 * 60 * 60;

/// How old an object without a record must be to be swept, so that no upload under way loses its own: a day. A direct
/// upload that is as old and not completed goes too, and goes first: its object is never older than itself.
const ORPHAN_SECONDS: i64 = 24 * 60 * 60;

/// How many uploads one statement removes.
const EXPIRE_BATCH: u32 = 500;

/// How many objects are listed, and looked up, at a time.
const PAGE: usize = 500;

/// The largest share of the objects that a sweep may take where the settings do not say, in percent. Leftovers of crashes
/// are a few in a thousand.
pub const DEFAULT_MAX_SWEEP_PERCENT: u8 = 10;

/// As many objects may be swept whatever their share is: of two objects, one may well be left over.
pub const PLAUSIBLE_SWEEP: u64 = 10;

/// How many objects one clean-up moves where the settings do not say.
pub const DEFAULT_MAX_MOVES: usize = 10_000;

/// What a host may set.
#[derive(Clone, Copy, Debug)]
pub struct CleanupSettings {
    /// The largest share of the objects older than a day that a sweep may take, in percent. A sweep that would take more
    /// takes none, unless it is at most [`PLAUSIBLE_SWEEP`] objects.
    pub max_sweep_percent: u8,
    /// The most objects that are moved into the quarantine, and out of it; the next clean-up goes on. A Worker may make
    /// only so many calls.
    pub max_moves: usize,
}

impl Default for CleanupSettings {
    fn default() -> Self {
        Self { max_sweep_percent: DEFAULT_MAX_SWEEP_PERCENT, max_moves: DEFAULT_MAX_MOVES }
    }
}

/// What a clean-up did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// Images that were deleted more than 30 days ago and are now gone, with their annotations and objects.
    pub purged_images: u64,
    /// Direct uploads that were not completed within a day.
    pub expired_uploads: u64,
    /// Objects older than a day that had no record. Those of images are in the quarantine now.
    pub swept_objects: u64,
    /// Objects that had a record again and came back from the quarantine.
    pub restored_objects: u64,
    /// Objects that were in the quarantine for 7 days and are now gone.
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

/// Why a clean-up stopped, in a sentence for whoever operates it.
#[derive(Debug, thiserror::Error)]
pub enum CleanupError {
    /// The database or the object store failed; the next clean-up does what is left.
    #[error("the clean-up stopped midway, the next one goes on: {0}")]
    Storage(#[from] storage::Error),

    /// The database and the object store do not belong together; nothing was removed.
    #[error("the clean-up removed nothing: {0}")]
    Foreign(#[from] BindError),

    /// So many objects without a record are rather records that are lost; no object was swept.
    #[error(
        "the sweep moved nothing: {orphans} of {objects} objects have no record in the database, more than \
         {max_percent} %. Is the database an old backup, or another one? Restore the newest. If these objects are to go, \
         run `reticle cleanup --max-sweep-percent {percent}` once (in a Worker, set RETICLE_MAX_SWEEP_PERCENT); they stay in the \
         quarantine for 7 days"
    )]
    Implausible {
        /// Objects older than a day without a record.
        orphans: u64,
        /// All objects older than a day.
        objects: u64,
        /// Their share, in percent.
        percent: u64,
        /// The largest that was allowed.
        max_percent: u8,
    },
}

/// Images that were deleted up to this moment cannot be brought back any more at `now`.
pub(crate) const fn purge_before(now: Timestamp) -> Timestamp {
    now.plus_seconds(-RETENTION_SECONDS)
}

/// Purges images that were deleted more than 30 days ago and uploads that are not completed after a day; gives objects
/// back that are in the quarantine and have a record; and moves objects there that are older than a day and have none.
///
/// # Errors
/// [`CleanupError`]; what is left is done by the next run.
pub async fn cleanup<D, O, C, E>(
    database: &D,
    objects: &O,
    clock: &C,
    entropy: &E,
    settings: CleanupSettings,
) -> Result<CleanupReport, CleanupError>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
    E: Entropy,
{
    bind(database, objects, clock, entropy).await?;
    let session = Session::new(database);
    let now = clock.now();
    let purged_images = purge::purge(&session, objects, now).await?;
    let expired_uploads = expire(&session, now).await?;
    let swept_uploads = sweep::delete_old(objects, STAGING_PREFIX, orphan_before(now)).await?;
    let (restored_objects, removed_objects) = quarantine::review(&session, objects, now, settings).await?;
    let swept_images = sweep::sweep(&session, objects, orphan_before(now), settings).await?;
    let swept_objects = swept_uploads + swept_images;
    Ok(CleanupReport { purged_images, expired_uploads, swept_objects, restored_objects, removed_objects })
}

async fn expire<D: Database>(session: &Session<'_, D>, now: Timestamp) -> storage::Result<u64> {
    let mut expired = 0;
    loop {
        let removed = repo::uploads::expire(session, orphan_before(now), EXPIRE_BATCH).await?;
        expired += removed;
        if removed == 0 {
            return Ok(expired);
        }
    }
}

/// What was stored before this moment, and has no record at `now`, belongs to nobody.
const fn orphan_before(now: Timestamp) -> Timestamp {
    now.plus_seconds(-ORPHAN_SECONDS)
}
