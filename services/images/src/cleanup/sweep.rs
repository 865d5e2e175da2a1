//! Finds objects without a record, which crashes leave behind, and moves them into the quarantine.
//!
//! It scans all objects before it moves the first one. If more objects have no record than crashes can explain, records were
//! probably lost, and it moves none.

use runtime::Timestamp;
use storage::{Database, ObjectKey, ObjectList, ObjectStore, Session};

use super::{CleanupError, CleanupSettings, PAGE, SMALL_SWEEP, pages::Pages, quarantine};
use crate::{image::OBJECT_PREFIX, repo};

/// Moves objects of images that were stored before `before` and have no record into the quarantine. Returns their number.
pub(super) async fn sweep<D: Database>(
    session: &Session<'_, D>,
    objects: &impl ObjectStore,
    before: Timestamp,
    settings: CleanupSettings,
) -> Result<u64, CleanupError> {
    let found = scan(session, objects, before, settings.max_moves).await?;
    found.check(settings.max_sweep_percent)?;
    let mut swept = 0;
    for keys in found.orphans.chunks(PAGE) {
        // Look them up again: the scan took a while, and records may have been restored since.
        for key in repo::without_record(session, keys.to_vec()).await? {
            swept += u64::from(quarantine::isolate(objects, &key).await?);
        }
    }
    Ok(swept)
}

/// Deletes the objects below `prefix` that were stored before `before`. Returns their number.
pub(super) async fn delete_old(
    objects: &impl ObjectStore,
    prefix: &str,
    before: Timestamp,
) -> storage::Result<u64> {
    let mut deleted = 0;
    let mut pages = Pages::below(prefix);
    while let Some(page) = pages.next(objects).await? {
        let keys = old(page, before);
        deleted += keys.len() as u64;
        objects.delete(keys).await?;
    }
    Ok(deleted)
}

/// The result of a scan of all objects.
struct Found {
    /// How many objects are old enough to be swept.
    objects: u64,
    /// How many of these have no record.
    orphan_count: u64,
    /// The first orphans, up to the limit of moves.
    orphans: Vec<ObjectKey>,
}

async fn scan<D: Database>(
    session: &Session<'_, D>,
    objects: &impl ObjectStore,
    before: Timestamp,
    limit: usize,
) -> storage::Result<Found> {
    let mut found = Found { objects: 0, orphan_count: 0, orphans: Vec::new() };
    let mut pages = Pages::below(OBJECT_PREFIX);
    while let Some(page) = pages.next(objects).await? {
        let keys = old(page, before);
        found.objects += keys.len() as u64;
        let orphans = repo::without_record(session, keys).await?;
        found.orphan_count += orphans.len() as u64;
        let room = limit.saturating_sub(found.orphans.len());
        found.orphans.extend(orphans.into_iter().take(room));
    }
    Ok(found)
}

impl Found {
    fn check(&self, max_percent: u8) -> Result<(), CleanupError> {
        let Self { objects, orphan_count: orphans, .. } = *self;
        if orphans <= SMALL_SWEEP || orphans * 100 <= objects * u64::from(max_percent) {
            return Ok(());
        }
        let percent = (orphans * 100).div_ceil(objects.max(1));
        Err(CleanupError::TooManyOrphans { orphans, objects, percent, max_percent })
    }
}

fn old(page: ObjectList, before: Timestamp) -> Vec<ObjectKey> {
    page.objects.into_iter().filter(|object| object.stored_at < before).map(|object| object.key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_allowed_if_it_is_small_or_a_small_share() {
        let check =
            |orphan_count, objects| Found { objects, orphan_count, orphans: Vec::new() }.check(10).is_ok();
        for (orphans, objects, is_allowed) in [
            (0, 0, true),
            (1, 2, true),
            (10, 10, true),
            (11, 11, false),
            (11, 109, false),
            (11, 110, true),
            (30, 50, false),
            (1_000, 10_000, true),
            (1_001, 10_000, false),
        ] {
            assert_eq!(check(orphans, objects), is_allowed, "{orphans} of {objects}");
        }
    }
}
