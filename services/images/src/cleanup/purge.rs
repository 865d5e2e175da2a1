//! Purges images that were deleted more than 30 days ago: removes them permanently.
//!
//! An image is claimed first; from then on it cannot be undeleted. Then its annotations are removed, in batches with pauses so that
//! other writes can run between them, then its object, and last its record. So if a purge stops in between, the next one finds
//! the record and continues, and no object is left behind.

use runtime::{Clock, Pauses, Timer, Timestamp};
use storage::{Database, ObjectStore, Result, Session};

use super::purge_before;
use crate::{image::ImageId, repo::purge};

/// How many images are purged at a time.
const IMAGES: u32 = 50;

/// How many annotations one statement removes. Other writes wait for it, some milliseconds.
const ANNOTATIONS: u32 = 2_000;

pub(super) async fn purge<D: Database, C: Clock, T: Timer>(
    session: &Session<'_, D>,
    objects: &impl ObjectStore,
    now: Timestamp,
    pauses: &Pauses<'_, C, T>,
) -> Result<u64> {
    let mut purged = 0;
    loop {
        let claimed = purge::claim(session, purge_before(now), IMAGES).await?;
        if claimed.is_empty() {
            return Ok(purged);
        }
        let (ids, keys): (Vec<ImageId>, Vec<_>) =
            claimed.into_iter().map(|image| (image.id, image.key)).unzip();
        let batch = || pauses.after(purge::remove_annotations(session, &ids, ANNOTATIONS));
        while batch().await? >= ANNOTATIONS.into() {}
        objects.delete(keys).await?;
        purged += purge::remove(session, &ids).await?;
    }
}
