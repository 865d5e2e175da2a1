//! Stores many annotations in one statement.
//!
//! The obvious form, a JSON array of rows and nine `->>` on each, takes SQLite two to three times as long as a loop of
//! prepared inserts: it renders every row as text and parses it again. So JSON holds only the texts, whose length varies,
//! and `json_each` counts the rows. All other values are in columns of fixed width in one blob, where `substr` reads them
//! without searching. Numbers are the shortest decimals that represent the same double. SQLite reads them back exactly, except
//! numbers below 1e-70, whose last digit may differ.

mod column;

use std::{fmt::Write as _, sync::LazyLock};

use storage::{Database, Error, Result, Session, Statement};

use self::column::Column;
use super::{
    record,
    stream_position::{self, StreamPosition},
};
use crate::annotation::{Annotation, Confidence};

/// The number of digits of an id.
const ID_WIDTH: usize = 32;

/// The number of digits of a label's length.
const LENGTH_WIDTH: usize = 3;

/// The longest decimal of a double between 0 and 1 is `1.2345678901234567e-300`, 23 characters.
const NUMBER_WIDTH: usize = 24;

// The columns of fixed width, in the order in which `fixed` writes them. To add one, add it here, in `INSERT` and in `fixed`.
const IMAGE_ID: Column = Column::first(ID_WIDTH);
const ID: Column = IMAGE_ID.next(ID_WIDTH);
const LABEL_LENGTH: Column = ID.next(LENGTH_WIDTH);
const X: Column = LABEL_LENGTH.next(NUMBER_WIDTH);
const Y: Column = X.next(NUMBER_WIDTH);
const WIDTH: Column = Y.next(NUMBER_WIDTH);
const HEIGHT: Column = WIDTH.next(NUMBER_WIDTH);
const CONFIDENCE: Column = HEIGHT.next(NUMBER_WIDTH);
const ROW_WIDTH: usize = CONFIDENCE.end();

/// An estimate of the size of a row's texts, for the initial capacity: a label, a model, quotes.
const TEXTS_WIDTH: usize = 48;

/// The statement, with the offsets of the columns. A confidence that is absent is all spaces.
static INSERT: LazyLock<String> = LazyLock::new(|| {
    let first_of_confidence = CONFIDENCE.first_byte();
    format!(
        "WITH input AS (
             SELECT key * {ROW_WIDTH} AS start, value AS texts, CAST(?2 AS BLOB) AS fixed FROM json_each(?1)
         )
         INSERT INTO annotations (image_id, id, label, x, y, width, height, confidence, model,
                                  created_by, created_at, updated_at, revision)
         SELECT CAST({IMAGE_ID} AS TEXT),
                CAST({ID} AS TEXT),
                substr(texts, 1, CAST({LABEL_LENGTH} AS INTEGER)),
                CAST({X} AS REAL),
                CAST({Y} AS REAL),
                CAST({WIDTH} AS REAL),
                CAST({HEIGHT} AS REAL),
                CASE {first_of_confidence} WHEN x'20' THEN NULL ELSE CAST({CONFIDENCE} AS REAL) END,
                substr(texts, CAST({LABEL_LENGTH} AS INTEGER) + 1),
                ?3, ?4, ?4, ?5
         FROM input
         WHERE ?6 IS NULL OR EXISTS (
             SELECT 1 FROM ingest_streams
             WHERE created_by = ?3 AND stream_id = ?6 AND writer = ?7 AND next_offset = ?8
         )"
    )
});

/// Stores all of `annotations`, which one user made at one time, or none of them. Fails with
/// [`storage::Constraint::ForeignKey`] if one of their images is not visible.
pub(crate) async fn insert_all<D: Database>(
    session: &Session<'_, D>,
    annotations: &[Annotation],
) -> Result<()> {
    let Some(first) = annotations.first() else { return Ok(()) };
    let record = record::created(annotations, &first.created_by, None)?;
    record::write(session, record, [insert(annotations, first, None)?]).await.map(drop)
}

/// The statement that stores `annotations`, which one user made at one time, as `first`. With a `position`, it stores them only
/// if the user's stream is at that position.
pub(super) fn insert(
    annotations: &[Annotation],
    first: &Annotation,
    position: Option<StreamPosition<'_>>,
) -> Result<Statement> {
    let statement = Statement::new(INSERT.as_str())
        .bind(texts(annotations)?)
        .bind(fixed(annotations)?)
        .bind(first.created_by.as_str())
        .bind(first.created_at.as_millis())
        .bind(first.etag.revision());
    Ok(stream_position::bind(statement, position))
}

/// A JSON array of one text for each annotation: its label and its model, concatenated.
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

/// The columns of fixed width of all rows, in ASCII.
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

/// Appends a number, padded with spaces; only spaces if there is none.
fn push_number(rows: &mut Vec<u8>, number: Option<f64>) -> Result<()> {
    let end = rows.len() + NUMBER_WIDTH;
    if let Some(number) = number {
        serde_json::to_writer(&mut *rows, &number).map_err(Error::broken)?;
    }
    rows.resize(end, b' ');
    Ok(())
}
