//! Records what changes: each write does, in its own batch, so that the history has what was committed and nothing else.

use std::{collections::BTreeMap, iter};

use aip::Etag;
use storage::{Database, Error, Outcome, Result, Session, Statement};

use crate::annotation::Annotation;

/// How many rows the history keeps at least, about 25 MB. Whoever comes back with an older place is told to start anew.
const KEPT: i64 = 250_000;

/// After how many more rows it is trimmed.
const TRIMMED_EVERY: i64 = 1_000;

/// Records new boxes: a row for each image, from its first to its last.
pub(super) fn created(annotations: &[Annotation]) -> Result<Statement> {
    Ok(Statement::new(
        "INSERT INTO annotation_changes (image_id, first_id, last_id, revision)
         SELECT value ->> 0, value ->> 1, value ->> 2, 1 FROM json_each(?1)
         RETURNING seq",
    )
    .bind(spans(annotations)?))
}

/// A JSON array of each image and its first and last box.
pub(super) fn spans(annotations: &[Annotation]) -> Result<String> {
    let mut spans = BTreeMap::new();
    for annotation in annotations {
        let (first, last) = spans.entry(annotation.image_id).or_insert((annotation.id, annotation.id));
        *first = annotation.id.min(*first);
        *last = annotation.id.max(*last);
    }
    let rows = spans
        .into_iter()
        .map(|(image_id, (first, last))| [image_id.0, first.0, last.0].map(|id| id.to_string()));
    serde_json::to_string(&rows.collect::<Vec<_>>()).map_err(Error::broken)
}

/// Records that a box is about to be updated, if it still is as it was read.
pub(super) fn updating(read: &Annotation) -> Statement {
    Statement::new(
        "INSERT INTO annotation_changes (image_id, first_id, last_id, revision)
         SELECT image_id, id, id, revision + 1 FROM annotations
         WHERE image_id = ?1 AND id = ?2 AND revision = ?3
         RETURNING seq",
    )
    .bind(read.image_id.to_string())
    .bind(read.id.to_string())
    .bind(read.etag.revision())
}

/// Records that a box is about to be removed, if it is there and has the revision that is asked for.
pub(super) fn removing(read: &Annotation, etag: Option<Etag>) -> Statement {
    Statement::new(
        "INSERT INTO annotation_changes (image_id, first_id, last_id, revision)
         SELECT image_id, id, id, NULL FROM annotations
         WHERE image_id = ?1 AND id = ?2 AND (?3 IS NULL OR revision = ?3)
         RETURNING seq",
    )
    .bind(read.image_id.to_string())
    .bind(read.id.to_string())
    .bind(etag.map(Etag::revision))
}

/// Runs a batch that begins with the record of what it changes, and answers the outcomes of its other statements. Now and
/// then it trims the history; if that fails, the next one does.
pub(super) async fn write<D: Database>(
    session: &Session<'_, D>,
    record: Statement,
    changes: impl IntoIterator<Item = Statement>,
) -> Result<Vec<Outcome>> {
    let batch = iter::once(record).chain(changes).collect();
    let mut outcomes = session.write(batch).await?.into_iter();
    let recorded = outcomes.next().map(|outcome| outcome.rows).unwrap_or_default();
    let seqs = recorded.into_iter().map(|mut row| row.take::<i64>("seq")).collect::<Result<Vec<_>>>()?;
    if let Some(seq) = seqs.into_iter().find(|seq| seq % TRIMMED_EVERY == 0)
        && let Err(error) = trim(session, seq).await
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "the history of changes was not trimmed");
    }
    Ok(outcomes.collect())
}

/// Removes what is older than the rows that are kept.
async fn trim<D: Database>(session: &Session<'_, D>, newest: i64) -> Result<()> {
    let statement =
        Statement::new("DELETE FROM annotation_changes WHERE seq <= ?1").bind(newest.saturating_sub(KEPT));
    session.write(vec![statement]).await.map(drop)
}
