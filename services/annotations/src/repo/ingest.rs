//! Ingest streams. A commit stores annotations and the stream's new offset, or nothing.

use std::{collections::HashSet, num::NonZeroU32};

use identity::UserId;
use runtime::{Id, Timestamp};
use storage::{Database, Error, Result, Row, Session, Statement};

use super::{bulk, record, stream_position::StreamPosition};
use crate::annotation::{Annotation, Offset, Progress, StreamId};

/// The maximum number of annotations of one statement, so that their texts stay below the 2 MB limit of a value.
const MAX_PER_STATEMENT: usize = 500;

/// A stream, identified by its owner and name, and its writer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamWriter<'a> {
    pub(crate) owner: &'a UserId,
    pub(crate) stream_id: &'a StreamId,
    /// A new id for each call that opens the stream, so that commits of the previous writer fail.
    pub(crate) writer: Id,
}

/// Creates the stream if there is none, and makes `stream.writer` the only one that may commit. `None` if the stream does not
/// exist and its owner already has `limit` streams.
pub(crate) async fn open<D: Database>(
    session: &Session<'_, D>,
    stream: StreamWriter<'_>,
    seed: Id,
    now: Timestamp,
    limit: NonZeroU32,
) -> Result<Option<Progress>> {
    let statement = Statement::new(
        "INSERT INTO ingest_streams (created_by, stream_id, next_offset, seed, writer, created_at, updated_at)
         SELECT ?1, ?2, 0, ?3, ?4, ?5, ?5
         WHERE EXISTS (SELECT 1 FROM ingest_streams WHERE created_by = ?1 AND stream_id = ?2)
            OR NOT EXISTS (SELECT 1 FROM ingest_streams WHERE created_by = ?1 LIMIT 1 OFFSET ?6)
         ON CONFLICT (created_by, stream_id) DO UPDATE
         SET writer = excluded.writer, updated_at = max(updated_at, excluded.updated_at)
         RETURNING *",
    )
    .bind(stream.owner.as_str())
    .bind(stream.stream_id.as_str())
    .bind(seed.to_string())
    .bind(stream.writer.to_string())
    .bind(now.as_millis())
    .bind(limit.get() - 1);
    let outcome = session.write(vec![statement]).await?.into_iter().next();
    let row = outcome.and_then(|outcome| outcome.rows.into_iter().next());
    row.map(decode_progress).transpose()
}

/// The progress of the stream, if there is one.
pub(crate) async fn find<D: Database>(
    session: &Session<'_, D>,
    owner: &UserId,
    stream_id: &StreamId,
) -> Result<Option<Progress>> {
    let statement = Statement::new("SELECT * FROM ingest_streams WHERE created_by = ?1 AND stream_id = ?2")
        .bind(owner.as_str())
        .bind(stream_id.as_str());
    session.read(statement).await?.into_iter().next().map(decode_progress).transpose()
}

/// The ids from `first` to `last` for which an annotation is stored.
pub(crate) async fn find_stored_ids<D: Database>(
    session: &Session<'_, D>,
    first: Id,
    last: Id,
) -> Result<HashSet<Id>> {
    let statement = Statement::new("SELECT id FROM annotations WHERE id >= ?1 AND id <= ?2")
        .bind(first.to_string())
        .bind(last.to_string());
    let rows = session.read(statement).await?;
    let id = |mut row: Row| row.take::<String>("id")?.parse().map_err(Error::broken);
    rows.into_iter().map(id).collect()
}

/// Stores `annotations`, all made at `now`, and moves the stream from offset `from` to `to`. Returns `false`, and stores
/// nothing, if another writer has opened the stream or the stream is at another offset. Fails with
/// [`storage::Constraint::ForeignKey`] if an image is not visible.
pub(crate) async fn commit<D: Database>(
    session: &Session<'_, D>,
    stream: StreamWriter<'_>,
    annotations: &[Annotation],
    (from, to): (Offset, Offset),
    now: Timestamp,
) -> Result<bool> {
    let position = StreamPosition { stream_id: stream.stream_id, writer: stream.writer, next_offset: from };
    let inserts = annotations
        .chunks(MAX_PER_STATEMENT)
        .filter_map(|some| Some(bulk::insert(some, some.first()?, Some(position))));
    let mut batch = inserts.collect::<Result<Vec<_>>>()?;
    batch.push(
        Statement::new(
            "UPDATE ingest_streams SET next_offset = ?5, updated_at = max(updated_at, ?6)
             WHERE created_by = ?1 AND stream_id = ?2 AND writer = ?3 AND next_offset = ?4",
        )
        .bind(stream.owner.as_str())
        .bind(stream.stream_id.as_str())
        .bind(stream.writer.to_string())
        .bind(from.get())
        .bind(to.get())
        .bind(now.as_millis()),
    );
    let outcomes = if annotations.is_empty() {
        session.write(batch).await?
    } else {
        let record = record::created(annotations, stream.owner, Some(position))?;
        record::write(session, record, batch).await?
    };
    Ok(outcomes.last().is_some_and(|moved| moved.changes == 1))
}

fn decode_progress(mut row: Row) -> Result<Progress> {
    Ok(Progress {
        next_offset: Offset::new(row.take("next_offset")?)
            .ok_or_else(|| Error::broken("next_offset is negative or too high"))?,
        seed: row.take::<String>("seed")?.parse().map_err(Error::broken)?,
        created_at: Timestamp::from_millis(row.take("created_at")?),
        updated_at: Timestamp::from_millis(row.take("updated_at")?),
    })
}
