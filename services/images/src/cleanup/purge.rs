//! Removes images for good that were deleted long ago.
//!
//! An image is claimed first, after which nobody can bring it back. Then its annotations go, in batches between which
//! others' writes find their turn, then its object, then its record: so a purge that stops midway is found again by its
//! record, and leaves no object behind.

use storage::{Database, ObjectStore, Result, Session, Timestamp};

use super::purge_before;
use crate::{image::ImageId, repo::purge};

/// How many images are purged at a time.
const IMAGES: u32 = 50;

/// How many annotations one statement removes. It is how long others' writes may have to wait: some milliseconds.
const ANNOTATIONS: u32 = 2_000;

pub(super) async fn purge<D: Database>(
    session: &Session<'_, D>,
    objects: &impl ObjectStore,
    now: Timestamp,
) -> Result<u64> {
    let mut purged = 0;
    loop {
        let claimed = purge::claim(session, purge_before(now), IMAGES).await?;
        if claimed.is_empty() {
            return Ok(purged);
        }
        let (ids, keys): (Vec<ImageId>, Vec<_>) =
            claimed.into_iter().map(|image| (image.id, image.key)).unzip();
        while purge::remove_annotations(session, &ids, ANNOTATIONS).await? >= ANNOTATIONS.into() {}
        objects.delete(keys).await?;
        purged += purge::remove(session, &ids).await?;
    }
}
