//! Streams, and the boxes that come by them. A commit stores boxes and the new offset, or nothing.

use std::{collections::HashSet, num::NonZeroU32};

use identity::UserId;
use storage::{Database, Error, Id, Result, Row, Session, Statement, Timestamp};

use super::{bulk, record, standing::Standing};
use crate::{
    annotation::Annotation,
    ingest::{Offset, Progress, StreamId},
};

/// The most boxes of one statement, whose texts stay below the 2 MB that a value may have.
const BOXES_OF_A_STATEMENT: usize = 500;

/// A stream, by its owner and name, and who writes to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writing<'a> {
    pub(crate) owner: &'a UserId,
    pub(crate) stream_id: &'a StreamId,
    /// New for each writer, so that the one before it finds out.
    pub(crate) writer: Id,
}

/// Makes the stream if there is none, and its writer the only one that may commit. `None` if it would have to be made and
/// its owner has `limit` streams already.
pub(crate) async fn open<D: Database>(
    session: &Session<'_, D>,
    writing: Writing<'_>,
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
    .bind(writing.owner.as_str())
    .bind(writing.stream_id.as_str())
    .bind(seed.to_string())
    .bind(writing.writer.to_string())
    .bind(now.as_millis())
    .bind(limit.get() - 1);
    let outcome = session.write(vec![statement]).await?.into_iter().next();
    let row = outcome.and_then(|outcome| outcome.rows.into_iter().next());
    row.map(progress).transpose()
}

/// How far the stream has come, if there is one.
pub(crate) async fn find<D: Database>(
    session: &Session<'_, D>,
    owner: &UserId,
    stream_id: &StreamId,
) -> Result<Option<Progress>> {
    let statement = Statement::new("SELECT * FROM ingest_streams WHERE created_by = ?1 AND stream_id = ?2")
        .bind(owner.as_str())
        .bind(stream_id.as_str());
    session.read(statement).await?.into_iter().next().map(progress).transpose()
}

/// Which ids from `first` to `last` annotations have.
pub(crate) async fn stored<D: Database>(
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

/// Stores `annotations`, all made at `now`, and moves the stream from one offset to the other. Answers whether it did:
/// not if another writer has opened the stream, or it stands elsewhere. Fails with
/// [`storage::Constraint::ForeignKey`] if an image is not visible.
pub(crate) async fn commit<D: Database>(
    session: &Session<'_, D>,
    writing: Writing<'_>,
    annotations: &[Annotation],
    (from, to): (Offset, Offset),
    now: Timestamp,
) -> Result<bool> {
    let standing = Standing { stream_id: writing.stream_id, writer: writing.writer, next_offset: from };
    let inserts = annotations
        .chunks(BOXES_OF_A_STATEMENT)
        .filter_map(|some| Some(bulk::insert(some, some.first()?, Some(standing))));
    let mut batch = inserts.collect::<Result<Vec<_>>>()?;
    batch.push(
        Statement::new(
            "UPDATE ingest_streams SET next_offset = ?5, updated_at = max(updated_at, ?6)
             WHERE created_by = ?1 AND stream_id = ?2 AND writer = ?3 AND next_offset = ?4",
        )
        .bind(writing.owner.as_str())
        .bind(writing.stream_id.as_str())
        .bind(writing.writer.to_string())
        .bind(from.get())
        .bind(to.get())
        .bind(now.as_millis()),
    );
    let outcomes = if annotations.is_empty() {
        session.write(batch).await?
    } else {
        let record = record::created(annotations, writing.owner, Some(standing))?;
        record::write(session, record, batch).await?
    };
    Ok(outcomes.last().is_some_and(|moved| moved.changes == 1))
}

fn progress(mut row: Row) -> Result<Progress> {
    Ok(Progress {
        next_offset: Offset::new(row.take("next_offset")?)
            .ok_or_else(|| Error::broken("an offset below 0"))?,
        seed: row.take::<String>("seed")?.parse().map_err(Error::broken)?,
        created_at: Timestamp::from_millis(row.take("created_at")?),
        updated_at: Timestamp::from_millis(row.take("updated_at")?),
    })
}
