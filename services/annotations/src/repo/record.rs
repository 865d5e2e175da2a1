//! Writes to the change log. Each write of annotations records its changes in its own batch, so that the log has exactly what
//! was committed. The database trims the log by a trigger. It rejects a record whose image is not visible, and with it the
//! whole batch.

use std::collections::BTreeMap;

use aip::Etag;
use identity::UserId;
use storage::{Database, Error, Outcome, Result, Session, Statement};

use super::stream_position::{self, StreamPosition};
use crate::annotation::Annotation;

/// Records new annotations of `created_by`, one record for each image, with the first and the last id. With a `position`, it
/// records them only if the user's stream is at that position.
pub(super) fn created(
    annotations: &[Annotation],
    created_by: &UserId,
    position: Option<StreamPosition<'_>>,
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
    Ok(stream_position::bind(statement, position))
}

/// A JSON array of each image with its first and last annotation.
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

/// Records the update of an annotation, if it still has the revision that was read.
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

/// Records the removal of an annotation, if it exists and, with an `etag`, has that revision.
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

/// Runs a batch of `record` and then `changes`, and returns the outcomes of `changes`.
pub(super) async fn write<D: Database>(
    session: &Session<'_, D>,
    record: Statement,
    changes: impl IntoIterator<Item = Statement>,
) -> Result<Vec<Outcome>> {
    let mut batch = vec![record];
    batch.extend(changes);
    Ok(session.write(batch).await?.into_iter().skip(1).collect())
}
