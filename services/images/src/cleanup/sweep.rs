//! Finds objects that have no record, which crashes leave behind, and moves them into the quarantine.
//!
//! All objects are looked through before the first one is moved: so many of them without a record that crashes cannot have
//! left them are a sign of records that are lost, and then none is moved.

use storage::{Database, ObjectKey, ObjectList, ObjectStore, Session, Timestamp};

use super::{CleanupError, CleanupSettings, PAGE, PLAUSIBLE_SWEEP, pages::Pages, quarantine};
use crate::{image::OBJECT_PREFIX, repo};

/// Moves the objects of images that were stored before `before` and have no record into the quarantine; answers how many.
pub(super) async fn sweep<D: Database>(
    session: &Session<'_, D>,
    objects: &impl ObjectStore,
    before: Timestamp,
    settings: CleanupSettings,
) -> Result<u64, CleanupError> {
    let found = look_through(session, objects, before, settings.max_moves).await?;
    found.check(settings.max_sweep_percent)?;
    let mut swept = 0;
    for keys in found.orphans.chunks(PAGE) {
        // The look took a while.
        for key in repo::without_record(session, keys.to_vec()).await? {
            swept += u64::from(quarantine::isolate(objects, &key).await?);
        }
    }
    Ok(swept)
}

/// Deletes what is below `prefix` and was stored before `before`; answers how many objects that were.
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

/// What a look at all objects found.
struct Found {
    /// How many were old enough to be swept.
    objects: u64,
    /// How many of these had no record.
    orphan_count: u64,
    /// The first of them.
    orphans: Vec<ObjectKey>,
}

async fn look_through<D: Database>(
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
        if orphans <= PLAUSIBLE_SWEEP || orphans * 100 <= objects * u64::from(max_percent) {
            return Ok(());
        }
        let percent = (orphans * 100).div_ceil(objects.max(1));
        Err(CleanupError::Implausible { orphans, objects, percent, max_percent })
    }
}

fn old(page: ObjectList, before: Timestamp) -> Vec<ObjectKey> {
    page.objects.into_iter().filter(|object| object.stored_at < before).map(|object| object.key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_is_plausible_if_it_is_small_or_a_small_share() {
        let check =
            |orphan_count, objects| Found { objects, orphan_count, orphans: Vec::new() }.check(10).is_ok();
        for (orphans, objects, is_plausible) in [
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
            assert_eq!(check(orphans, objects), is_plausible, "{orphans} of {objects}");
        }
    }
}
