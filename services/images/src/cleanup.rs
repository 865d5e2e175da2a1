//! The daily clean-up. Safe to stop at any point, to repeat, and to run twice at once: a record goes before its object,
//! and an object without a record is found by the sweep.

use std::fmt;

use storage::{Clock, Database, ObjectKey, ObjectList, ObjectStore, Result, Session, Timestamp};

use crate::{direct::STAGING_PREFIX, image::OBJECT_PREFIX, repo};

/// How long a deleted image can be brought back: 30 days.
const RETENTION_SECONDS: i64 = 30 * 24 * 60 * 60;

/// How old an object without a record must be to be swept, so that no upload under way loses its own: a day. A direct
/// upload that is as old and not completed goes too, and goes first: its object is never older than itself.
const ORPHAN_SECONDS: i64 = 24 * 60 * 60;

/// How many uploads one statement removes.
const EXPIRE_BATCH: u32 = 500;

/// How many images one statement purges; their annotations go in the same transaction.
const PURGE_BATCH: u32 = 50;

/// How many objects are listed, and looked up, at a time.
const SWEEP_PAGE: usize = 500;

/// What a clean-up did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// Images that were deleted more than 30 days ago and are now gone, with their annotations and objects.
    pub purged_images: u64,
    /// Direct uploads that were not completed within a day.
    pub expired_uploads: u64,
    /// Objects older than a day that had no record.
    pub swept_objects: u64,
}

impl fmt::Display for CleanupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { purged_images, expired_uploads, swept_objects } = self;
        write!(
            f,
            "{purged_images} images purged, {expired_uploads} uploads expired, {swept_objects} objects swept"
        )
    }
}

/// Images that were deleted up to this moment cannot be brought back any more at `now`.
pub(crate) const fn purge_before(now: Timestamp) -> Timestamp {
    now.plus_seconds(-RETENTION_SECONDS)
}

/// Purges images that were deleted more than 30 days ago and uploads that are not completed after a day, then sweeps
/// objects older than a day that have no record.
///
/// # Errors
/// The first failure of the database or the object store; what is left is done by the next run.
pub async fn cleanup<D, O, C>(database: &D, objects: &O, clock: &C) -> Result<CleanupReport>
where
    D: Database,
    O: ObjectStore,
    C: Clock,
{
    let session = Session::new(database);
    let now = clock.now();
    let purged_images = purge(&session, objects, now).await?;
    let expired_uploads = expire(&session, now).await?;
    let mut swept_objects = 0;
    for prefix in [OBJECT_PREFIX, STAGING_PREFIX] {
        swept_objects += sweep(&session, objects, prefix, now).await?;
    }
    Ok(CleanupReport { purged_images, expired_uploads, swept_objects })
}

async fn purge<D: Database>(
    session: &Session<'_, D>,
    objects: &impl ObjectStore,
    now: Timestamp,
) -> Result<u64> {
    let mut purged = 0;
    loop {
        let keys = repo::purge(session, purge_before(now), PURGE_BATCH).await?;
        if keys.is_empty() {
            return Ok(purged);
        }
        purged += keys.len() as u64;
        objects.delete(keys).await?;
    }
}

async fn expire<D: Database>(session: &Session<'_, D>, now: Timestamp) -> Result<u64> {
    let mut expired = 0;
    loop {
        let removed = repo::uploads::expire(session, orphan_before(now), EXPIRE_BATCH).await?;
        if removed == 0 {
            return Ok(expired);
        }
        expired += removed;
    }
}

async fn sweep<D: Database>(
    session: &Session<'_, D>,
    objects: &impl ObjectStore,
    prefix: &str,
    now: Timestamp,
) -> Result<u64> {
    let mut swept = 0;
    let mut after: Option<ObjectKey> = None;
    loop {
        let page = objects.list(prefix, after.as_ref(), SWEEP_PAGE).await?;
        after = page.objects.last().map(|object| object.key.clone());
        let more = page.more && after.is_some();
        let orphans = repo::without_record(session, old(page, now)).await?;
        if !orphans.is_empty() {
            swept += orphans.len() as u64;
            objects.delete(orphans).await?;
        }
        if !more {
            return Ok(swept);
        }
    }
}

/// What was stored before this moment, and has no record at `now`, belongs to nobody.
const fn orphan_before(now: Timestamp) -> Timestamp {
    now.plus_seconds(-ORPHAN_SECONDS)
}

fn old(page: ObjectList, now: Timestamp) -> Vec<ObjectKey> {
    let limit = orphan_before(now);
    page.objects.into_iter().filter(|object| object.stored_at < limit).map(|object| object.key).collect()
}
