//! Where swept objects wait before they are removed.
//!
//! An object that should not have been swept, because the database was an old one, has a record again once the right
//! database is back. The next clean-up returns it to its place. What nobody has missed for 7 days is removed.

use storage::{Database, ObjectInfo, ObjectKey, ObjectStore, Result, Session, Timestamp};

use super::{CleanupSettings, pages::Pages};
use crate::repo;

/// What the keys of objects in the quarantine begin with; the rest is the key that they had.
pub(super) const PREFIX: &str = "quarantine/";

/// How long an object stays in the quarantine: 7 days.
const SECONDS: i64 = 7 * 24 * 60 * 60;

/// Moves an object into the quarantine, and answers whether it was there.
pub(super) async fn isolate(objects: &impl ObjectStore, key: &ObjectKey) -> Result<bool> {
    match ObjectKey::parse(&format!("{PREFIX}{key}")) {
        Some(isolated) => objects.rename(key, &isolated).await,
        // No key of an image is as long.
        None => Ok(false),
    }
}

/// Returns objects that have a record again, and removes those that have waited long enough; answers how many of each.
pub(super) async fn review<D: Database>(
    session: &Session<'_, D>,
    objects: &impl ObjectStore,
    now: Timestamp,
    settings: CleanupSettings,
) -> Result<(u64, u64)> {
    let (mut restored, mut removed) = (0, 0);
    let mut pages = Pages::below(PREFIX);
    while let Some(page) = pages.next(objects).await? {
        let (missed, others) = split(session, page.objects).await?;
        for (isolated, key) in missed {
            if restored < settings.max_moves as u64 && give_back(objects, &isolated.key, &key).await? {
                restored += 1;
            }
        }
        let due = now.plus_seconds(-SECONDS);
        let due: Vec<_> =
            others.into_iter().filter(|object| object.stored_at <= due).map(|object| object.key).collect();
        removed += due.len() as u64;
        objects.delete(due).await?;
    }
    Ok((restored, removed))
}

/// Those of `isolated` that have a record, each with the key that it had, and the others.
async fn split<D: Database>(
    session: &Session<'_, D>,
    isolated: Vec<ObjectInfo>,
) -> Result<(Vec<(ObjectInfo, ObjectKey)>, Vec<ObjectInfo>)> {
    let original = |object: &ObjectInfo| ObjectKey::parse(object.key.as_str().strip_prefix(PREFIX)?);
    let keys: Vec<_> = isolated.iter().filter_map(original).collect();
    let without = repo::without_record(session, keys).await?;
    let (mut missed, mut others) = (Vec::new(), Vec::new());
    for object in isolated {
        match original(&object).filter(|key| !without.contains(key)) {
            Some(key) => missed.push((object, key)),
            None => others.push(object),
        }
    }
    Ok((missed, others))
}

/// Returns an object to its place, unless there is one: no object is ever changed.
async fn give_back(objects: &impl ObjectStore, isolated: &ObjectKey, key: &ObjectKey) -> Result<bool> {
    if objects.head(key).await?.is_some() {
        return Ok(false);
    }
    objects.rename(isolated, key).await
}
