//! The SQL that purges images. Each statement removes a limited number of rows, so that other writes can run in between.

use runtime::{Id, Timestamp};
use storage::{Database, ObjectKey, Result, Session, Statement};

use super::{json_list, object_key, parsed};
use crate::image::ImageId;

/// An image that is being purged and cannot be undeleted any more.
#[derive(Clone, Debug)]
pub(crate) struct Claimed {
    pub(crate) id: ImageId,
    pub(crate) key: ObjectKey,
}

/// Claims up to `limit` images that were deleted at `deleted_until` or before, or were claimed earlier. It sets their time of
/// deletion to 0, so that they cannot be undeleted while they are purged, even if the clock of a server is wrong.
pub(crate) async fn claim<D: Database>(
    session: &Session<'_, D>,
    deleted_until: Timestamp,
    limit: u32,
) -> Result<Vec<Claimed>> {
    let statement = Statement::new(
        "UPDATE images SET deleted_at = 0
         WHERE id IN (SELECT id FROM images WHERE deleted_at <= ?1 ORDER BY deleted_at LIMIT ?2)
         RETURNING id, r2_key",
    )
    .bind(deleted_until.as_millis())
    .bind(limit);
    let rows = session.write(vec![statement]).await?.into_iter().flat_map(|outcome| outcome.rows);
    rows.map(|mut row| {
        let id = parsed(&mut row, "id", |text| text.parse().ok().map(|id: Id| id.into()))?;
        Ok(Claimed { id, key: object_key(&mut row)? })
    })
    .collect()
}

/// Removes up to `limit` annotations of the images `ids`. Returns the number of removed annotations.
pub(crate) async fn remove_annotations<D: Database>(
    session: &Session<'_, D>,
    ids: &[ImageId],
    limit: u32,
) -> Result<u64> {
    let statement = Statement::new(
        "DELETE FROM annotations WHERE (image_id, id) IN (
             SELECT image_id, id FROM annotations
             WHERE image_id IN (SELECT value FROM json_each(?1)) LIMIT ?2
         )",
    )
    .bind(json_list(ids))
    .bind(limit);
    Ok(session.write(vec![statement]).await?.into_iter().map(|outcome| outcome.changes).sum())
}

/// Removes the records of claimed images. Returns the number of removed records.
pub(crate) async fn remove<D: Database>(session: &Session<'_, D>, ids: &[ImageId]) -> Result<u64> {
    let statement = Statement::new(
        "DELETE FROM images WHERE id IN (SELECT value FROM json_each(?1)) AND deleted_at = 0 RETURNING id",
    )
    .bind(json_list(ids));
    // `changes` cannot be used: some databases include rows that are deleted by cascade.
    Ok(session.write(vec![statement]).await?.into_iter().map(|outcome| outcome.rows.len() as u64).sum())
}
