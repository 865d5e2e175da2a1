//! Records what changes: each write does, in its own batch, so that the history has what was committed and nothing else.
//! The database trims it, and rejects the record of a write to an image that is not visible: the whole batch fails then.

use std::collections::BTreeMap;

use aip::Etag;
use identity::UserId;
use storage::{Database, Error, Outcome, Result, Session, Statement};

use super::standing::{self, Standing};
use crate::annotation::Annotation;

/// Records new boxes of `created_by`, a row for each image, from its first to its last; with a `standing`, only if that
/// user's stream stands there.
pub(super) fn created(
    annotations: &[Annotation],
    created_by: &UserId,
    standing: Option<Standing<'_>>,
) -> Result<Statement> {
    let statement = Statement::new(
        "INSERT INTO annotation_changes (image_id, first_id, last_id, revision)
         SELECT value ->> 0, value ->> 1, value ->> 2, 1 FROM json_each(?1)
         WHERE ?3 IS NULL OR EXISTS (
             SELECT 1 FROM ingest_streams
             WHERE created_by = ?2 AND stream_id = ?3 AND writer = ?4 AND next_offset = ?5
         )",
    )
    .bind(spans(annotations)?)
    .bind(created_by.as_str());
    Ok(standing::bind(statement, standing))
}

/// A JSON array of each image and its first and last box.
fn spans(annotations: &[Annotation]) -> Result<String> {
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
         WHERE image_id = ?1 AND id = ?2 AND revision = ?3",
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
         WHERE image_id = ?1 AND id = ?2 AND (?3 IS NULL OR revision = ?3)",
    )
    .bind(read.image_id.to_string())
    .bind(read.id.to_string())
    .bind(etag.map(Etag::revision))
}

/// Runs a batch that begins with the record of what it changes, and answers the outcomes of its other statements.
pub(super) async fn write<D: Database>(
    session: &Session<'_, D>,
    record: Statement,
    changes: impl IntoIterator<Item = Statement>,
) -> Result<Vec<Outcome>> {
    let mut batch = vec![record];
    batch.extend(changes);
    Ok(session.write(batch).await?.into_iter().skip(1).collect())
}
