//! Stores many boxes in one statement.
//!
//! The obvious form, a JSON array of rows and nine `->>` on each, takes SQLite two to three times as long as a loop of
//! prepared inserts: it renders every row as text and parses it again. So JSON carries only what has no fixed length,
//! and `json_each` counts the rows; everything else stands in columns of fixed width, which `substr` finds at once in a
//! blob. Numbers are the shortest decimals that mean the same double. SQLite reads those back exactly, but for numbers
//! below 1e-70, which may be off in the last place.

use std::fmt::Write as _;

use storage::{Database, Error, Result, Session, Statement};

use super::{
    record,
    standing::{self, Standing},
};
use crate::annotation::{Annotation, Confidence};

/// The digits of an id.
const ID_WIDTH: usize = 32;

/// The digits of a label's length.
const LENGTH_WIDTH: usize = 3;

/// The longest decimal of a double between 0 and 1 is `1.2345678901234567e-300`, 23 characters.
const NUMBER_WIDTH: usize = 24;

/// Image, id, the label's length, then x, y, width, height and confidence. The statement repeats it in its offsets.
const ROW_WIDTH: usize = 2 * ID_WIDTH + LENGTH_WIDTH + 5 * NUMBER_WIDTH;

/// What rows take beside their fixed columns, for a first guess: a label, a model, quotes.
const TEXTS_WIDTH: usize = 48;

/// Stores all of `annotations`, which were made by one user at one time, or none of them. Fails with
/// [`storage::Constraint::ForeignKey`] if one of their images is not visible.
pub(crate) async fn insert_all<D: Database>(
    session: &Session<'_, D>,
    annotations: &[Annotation],
) -> Result<()> {
    let Some(first) = annotations.first() else { return Ok(()) };
    let record = record::created(annotations, &first.created_by, None)?;
    record::write(session, record, [insert(annotations, first, None)?]).await.map(drop)
}

/// Stores `annotations`, made by one user at one time as `first` was; with a `standing`, only if that user's stream stands
/// there.
pub(super) fn insert(
    annotations: &[Annotation],
    first: &Annotation,
    standing: Option<Standing<'_>>,
) -> Result<Statement> {
    let statement = Statement::new(
        "WITH boxes AS (
             SELECT key * 187 AS start, value AS texts, CAST(?2 AS BLOB) AS fixed FROM json_each(?1)
         )
         INSERT INTO annotations (image_id, id, label, x, y, width, height, confidence, model,
                                  created_by, created_at, updated_at, revision)
         SELECT CAST(substr(fixed, start + 1, 32) AS TEXT),
                CAST(substr(fixed, start + 33, 32) AS TEXT),
                substr(texts, 1, CAST(substr(fixed, start + 65, 3) AS INTEGER)),
                CAST(substr(fixed, start + 68, 24) AS REAL),
                CAST(substr(fixed, start + 92, 24) AS REAL),
                CAST(substr(fixed, start + 116, 24) AS REAL),
                CAST(substr(fixed, start + 140, 24) AS REAL),
                CASE substr(fixed, start + 164, 1) WHEN x'20' THEN NULL
                     ELSE CAST(substr(fixed, start + 164, 24) AS REAL) END,
                substr(texts, CAST(substr(fixed, start + 65, 3) AS INTEGER) + 1),
                ?3, ?4, ?4, ?5
         FROM boxes
         WHERE ?6 IS NULL OR EXISTS (
             SELECT 1 FROM ingest_streams
             WHERE created_by = ?3 AND stream_id = ?6 AND writer = ?7 AND next_offset = ?8
         )",
    )
    .bind(texts(annotations)?)
    .bind(fixed(annotations)?)
    .bind(first.created_by.as_str())
    .bind(first.created_at.as_millis())
    .bind(first.etag.revision());
    Ok(standing::bind(statement, standing))
}

/// A JSON array of each box's label and model, one after the other in one text.
fn texts(annotations: &[Annotation]) -> Result<String> {
    let mut json = Vec::with_capacity(annotations.len() * TEXTS_WIDTH);
    let mut separator = b'[';
    let mut both = String::new();
    for annotation in annotations {
        json.push(separator);
        separator = b',';
        both.clear();
        both.push_str(annotation.content.label.as_str());
        both.push_str(annotation.content.model.as_str());
        serde_json::to_writer(&mut json, &both).map_err(Error::broken)?;
    }
    json.push(b']');
    String::from_utf8(json).map_err(Error::broken)
}

/// The columns of fixed width, row after row, in ASCII.
fn fixed(annotations: &[Annotation]) -> Result<String> {
    let mut rows = Vec::with_capacity(annotations.len() * ROW_WIDTH);
    let mut head = String::new();
    for Annotation { id, image_id, content, .. } in annotations {
        let label_length = content.label.as_str().chars().count();
        head.clear();
        write!(head, "{image_id}{id}{label_length:0LENGTH_WIDTH$}").map_err(Error::broken)?;
        rows.extend_from_slice(head.as_bytes());
        let area = &content.area;
        for number in [area.x(), area.y(), area.width(), area.height()] {
            push_number(&mut rows, Some(number))?;
        }
        push_number(&mut rows, content.confidence.map(Confidence::get))?;
    }
    String::from_utf8(rows).map_err(Error::broken)
}

/// A number and spaces; spaces alone for none.
fn push_number(rows: &mut Vec<u8>, number: Option<f64>) -> Result<()> {
    let end = rows.len() + NUMBER_WIDTH;
    if let Some(number) = number {
        serde_json::to_writer(&mut *rows, &number).map_err(Error::broken)?;
    }
    rows.resize(end, b' ');
    Ok(())
}
