//! Keeps swept objects for 7 days before they are removed.
//!
//! If objects were swept by mistake, because the database was an old backup, they have records again once the right database
//! is restored. The next clean-up then moves them back to their keys. Objects still without a record after 7 days are removed.

use runtime::Timestamp;
use storage::{Database, ObjectInfo, ObjectKey, ObjectStore, Result, Session};

use super::{CleanupSettings, pages::Pages};
use crate::repo;

/// The prefix of keys in the quarantine; the rest of a key is the original key of the object.
pub(super) const PREFIX: &str = "quarantine/";

/// How long an object stays in the quarantine: 7 days.
const SECONDS: i64 = 7 * 24 * 60 * 60;

/// Moves an object into the quarantine. Returns whether the object existed.
pub(super) async fn isolate(objects: &impl ObjectStore, key: &ObjectKey) -> Result<bool> {
    match ObjectKey::parse(&format!("{PREFIX}{key}")) {
        Some(isolated) => objects.rename(key, &isolated).await,
        // The new key would be too long; keys of images never are.
        None => Ok(false),
    }
}

/// Moves objects back that have a record again, and removes those that were here for 7 days. Returns both counts. An object
/// whose original key exists is not moved back, because objects are never overwritten, and is removed like one without a
/// record.
pub(super) async fn review<D: Database>(
    session: &Session<'_, D>,
    objects: &impl ObjectStore,
    now: Timestamp,
    settings: CleanupSettings,
) -> Result<(u64, u64)> {
    let (mut restored, mut removed) = (0, 0);
    let mut attempts = settings.max_moves;
    let mut pages = Pages::below(PREFIX);
    while let Some(page) = pages.next(objects).await? {
        let (with_record, mut others) = split(session, page.objects).await?;
        for (isolated, key) in with_record.into_iter().take(attempts) {
            attempts -= 1;
            if objects.head(&key).await?.is_some() {
                others.push(isolated);
            } else {
                restored += u64::from(objects.rename(&isolated.key, &key).await?);
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

/// Splits `isolated` into the objects that have a record, each with its original key, and the others.
async fn split<D: Database>(
    session: &Session<'_, D>,
    isolated: Vec<ObjectInfo>,
) -> Result<(Vec<(ObjectInfo, ObjectKey)>, Vec<ObjectInfo>)> {
    let original = |object: &ObjectInfo| ObjectKey::parse(object.key.as_str().strip_prefix(PREFIX)?);
    let keys: Vec<_> = isolated.iter().filter_map(original).collect();
    let without = repo::without_record(session, keys).await?;
    let (mut with_record, mut others) = (Vec::new(), Vec::new());
    for object in isolated {
        match original(&object).filter(|key| !without.contains(key)) {
            Some(key) => with_record.push((object, key)),
            None => others.push(object),
        }
    }
    Ok((with_record, others))
}
