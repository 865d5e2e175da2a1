//! The clean-up of streams, in pages by key, so that no statement reads more rows than one page.

use runtime::Timestamp;
use storage::{Database, Result, Row, Session, Statement};

/// The number of streams of a page.
const PAGE: i64 = 1_000;

/// A position in the order of streams. The default is before all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Key {
    owner: String,
    stream_id: String,
}

/// The last stream of the page after `after`; `None` if that page is the last one and not full.
pub(crate) async fn page_end<D: Database>(session: &Session<'_, D>, after: &Key) -> Result<Option<Key>> {
    let statement = Statement::new(
        "SELECT created_by, stream_id FROM ingest_streams WHERE (created_by, stream_id) > (?1, ?2)
         ORDER BY created_by, stream_id LIMIT 1 OFFSET ?3",
    )
    .bind(after.owner.as_str())
    .bind(after.stream_id.as_str())
    .bind(PAGE - 1);
    let key = |mut row: Row| Ok(Key { owner: row.take("created_by")?, stream_id: row.take("stream_id")? });
    session.read(statement).await?.into_iter().next().map(key).transpose()
}

/// Removes the streams of the page after `after` that were not used since `due`, and returns how many.
pub(crate) async fn expire<D: Database>(
    session: &Session<'_, D>,
    after: &Key,
    due: Timestamp,
) -> Result<u64> {
    let statement = Statement::new(
        "DELETE FROM ingest_streams WHERE updated_at < ?4 AND (created_by, stream_id) IN (
             SELECT created_by, stream_id FROM ingest_streams WHERE (created_by, stream_id) > (?1, ?2)
             ORDER BY created_by, stream_id LIMIT ?3
         )",
    )
    .bind(after.owner.as_str())
    .bind(after.stream_id.as_str())
    .bind(PAGE)
    .bind(due.as_millis());
    let outcome = session.write(vec![statement]).await?.into_iter().next();
    Ok(outcome.map_or(0, |outcome| outcome.changes))
}
