//! All SQL of this service, in the dialect and within the limits of D1.
//!
//! Each write of annotations must also record what it changes (`record.rs`), in the same batch.

mod bulk;
pub(crate) mod change_log;
pub(crate) mod ingest;
mod record;
mod stream_position;
pub(crate) mod streams;

use aip::{Etag, MAX_SCANNED, Page, Scan};
use identity::UserId;
use runtime::Timestamp;
use storage::{Database, Error, Result, Row, Session, Statement};

pub(crate) use self::bulk::insert_all;
use crate::annotation::{
    Annotation, AnnotationId, Confidence, Content, ImageId, Label, Model, NormalizedBox,
};

/// Sorts after every id.
const ABOVE_ALL_IDS: &str = "g";

/// Selects the annotations of a list.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) image_id: ImageId,
    pub(crate) label: Option<Label>,
    pub(crate) min_confidence: Option<Confidence>,
    pub(crate) created_by: Option<UserId>,
}

/// Stores one annotation and its record in the change log: an insert into the view writes both. Like every write of
/// annotations, it fails with [`storage::Constraint::ForeignKey`] if the image is not visible.
pub(crate) async fn insert<D: Database>(session: &Session<'_, D>, annotation: &Annotation) -> Result<()> {
    let Content { label, area, confidence, model } = &annotation.content;
    let statement = Statement::new(
        "INSERT INTO new_annotations (image_id, id, label, x, y, width, height, confidence, model,
                                      created_by, created_at, updated_at, revision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )
    .bind(annotation.image_id.to_string())
    .bind(annotation.id.to_string())
    .bind(label.as_str())
    .bind(area.x())
    .bind(area.y())
    .bind(area.width())
    .bind(area.height())
    .bind(confidence.map(Confidence::get))
    .bind(model.as_str())
    .bind(annotation.created_by.as_str())
    .bind(annotation.created_at.as_millis())
    .bind(annotation.updated_at.as_millis())
    .bind(annotation.etag.revision());
    session.write(vec![statement]).await.map(drop)
}

/// Whether the image is visible: it exists and is not deleted.
pub(crate) async fn is_visible<D: Database>(session: &Session<'_, D>, image_id: ImageId) -> Result<bool> {
    let statement = Statement::new("SELECT 1 FROM visible_images WHERE id = ?1").bind(image_id.to_string());
    Ok(!session.read(statement).await?.is_empty())
}

/// The annotation with this id, if it exists and its image is visible.
pub(crate) async fn find<D: Database>(
    session: &Session<'_, D>,
    id: AnnotationId,
) -> Result<Option<Annotation>> {
    let statement = Statement::new(
        "SELECT annotations.* FROM annotations
         JOIN visible_images ON visible_images.id = annotations.image_id
         WHERE annotations.id = ?1",
    )
    .bind(id.to_string());
    session.read(statement).await?.into_iter().next().map(decode_annotation).transpose()
}

/// One page of an image's annotations, newest first (see [`Scan`]); `None` if the image is not visible.
pub(crate) async fn list<D: Database>(
    session: &Session<'_, D>,
    filter: &Filter,
    page: Page,
) -> Result<Option<Scan<Annotation>>> {
    let statement = Statement::new(
        "WITH scan AS (
             SELECT * FROM (
                 SELECT 1 AS matches, * FROM (
                     SELECT * FROM annotations WHERE image_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?7)
                 WHERE (?3 IS NULL OR label = ?3)
                   AND (?4 IS NULL OR confidence >= ?4)
                   AND (?5 IS NULL OR created_by = ?5)
                 ORDER BY id DESC LIMIT ?6)
             UNION ALL
             SELECT 0, * FROM annotations WHERE image_id = ?1 AND id = (
                 SELECT id FROM annotations WHERE image_id = ?1 AND id < ?2
                 ORDER BY id DESC LIMIT 1 OFFSET ?7 - 1)
             LIMIT ?6
         )
         SELECT scan.id IS NOT NULL AS is_found, scan.*
         FROM visible_images LEFT JOIN scan
         WHERE visible_images.id = ?1",
    )
    .bind(filter.image_id.to_string())
    .bind(page.after.map_or_else(|| ABOVE_ALL_IDS.to_owned(), |id| id.to_string()))
    .bind(filter.label.as_ref().map(Label::as_str))
    .bind(filter.min_confidence.map(Confidence::get))
    .bind(filter.created_by.as_ref().map(UserId::as_str))
    .bind(i64::from(page.size) + 1)
    .bind(MAX_SCANNED);
    let (mut is_visible, mut rows) = (false, Vec::new());
    for mut row in session.read(statement).await? {
        is_visible = true;
        // A visible image without annotations is one row of nulls.
        if row.take::<i64>("is_found")? != 0 {
            rows.push(row);
        }
    }
    let scan = Scan::read(rows, page, decode_annotation, |annotation| annotation.id.0)?;
    Ok(is_visible.then_some(scan))
}

/// Replaces the content of the annotation if it still has the revision that was read, and returns it; `None` if it was changed
/// or removed since.
pub(crate) async fn update<D: Database>(
    session: &Session<'_, D>,
    read: &Annotation,
    content: &Content,
    now: Timestamp,
) -> Result<Option<Annotation>> {
    let statement = Statement::new(
        "UPDATE annotations
         SET label = ?4, x = ?5, y = ?6, width = ?7, height = ?8, confidence = ?9, model = ?10,
             updated_at = ?11, revision = revision + 1
         WHERE image_id = ?1 AND id = ?2 AND revision = ?3
         RETURNING *",
    )
    .bind(read.image_id.to_string())
    .bind(read.id.to_string())
    .bind(read.etag.revision())
    .bind(content.label.as_str())
    .bind(content.area.x())
    .bind(content.area.y())
    .bind(content.area.width())
    .bind(content.area.height())
    .bind(content.confidence.map(Confidence::get))
    .bind(content.model.as_str())
    .bind(now.as_millis());
    write_returning(session, record::updating(read), statement).await
}

/// Removes the annotation, with an `etag` only if it has that revision, and returns it; `None` if there is no such annotation.
pub(crate) async fn delete<D: Database>(
    session: &Session<'_, D>,
    read: &Annotation,
    etag: Option<Etag>,
) -> Result<Option<Annotation>> {
    let statement = Statement::new(
        "DELETE FROM annotations
         WHERE image_id = ?1 AND id = ?2 AND (?3 IS NULL OR revision = ?3)
         RETURNING *",
    )
    .bind(read.image_id.to_string())
    .bind(read.id.to_string())
    .bind(etag.map(Etag::revision));
    write_returning(session, record::removing(read, etag), statement).await
}

/// Runs `record` and `statement` in one batch, and returns the annotation that `statement` returned.
async fn write_returning<D: Database>(
    session: &Session<'_, D>,
    record: Statement,
    statement: Statement,
) -> Result<Option<Annotation>> {
    let outcomes = record::write(session, record, [statement]).await?;
    let mut rows = outcomes.into_iter().flat_map(|outcome| outcome.rows);
    rows.next().map(decode_annotation).transpose()
}

fn decode_annotation(mut row: Row) -> Result<Annotation> {
    let area = NormalizedBox::new(row.take("x")?, row.take("y")?, row.take("width")?, row.take("height")?);
    let confidence: Option<f64> = row.take("confidence")?;
    let confidence = confidence.map(|value| Confidence::new("confidence", value)).transpose();
    Ok(Annotation {
        id: require_valid("id", AnnotationId::parse("id", &row.take::<String>("id")?))?,
        image_id: require_valid("image_id", ImageId::parse("image_id", &row.take::<String>("image_id")?))?,
        content: Content {
            label: require_valid("label", Label::stored(row.take("label")?))?,
            area: require_valid("x, y, width or height", area)?,
            confidence: require_valid("confidence", confidence)?,
            model: require_valid("model", Model::stored(row.take("model")?))?,
        },
        created_by: require_valid("created_by", UserId::parse(&row.take::<String>("created_by")?))?,
        created_at: Timestamp::from_millis(row.take("created_at")?),
        updated_at: Timestamp::from_millis(row.take("updated_at")?),
        etag: Etag::of_revision(row.take("revision")?),
    })
}

/// A stored value is valid, because it was checked before it was written. If it is not, another program wrote it, or a rule
/// became narrower without a migration.
fn require_valid<T, E>(column: &str, value: std::result::Result<T, E>) -> Result<T> {
    value.map_err(|_| Error::Row { column: column.to_owned(), problem: "is not valid by the contract" })
}
