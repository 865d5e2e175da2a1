//! The SQL for records of images. Each function makes one round trip to the database.

pub(crate) mod purge;
pub(crate) mod store;
pub(crate) mod uploads;

use aip::{Etag, MAX_SCANNED, Page, Scan};
use identity::UserId;
use runtime::{Id, Timestamp};
use storage::{Database, Error, ObjectKey, Result, Row, Session, Statement};

use crate::{
    format::Format,
    image::{Dimensions, Filename, Image, ImageId, Metadata, Orientation, UnknownSize},
    view::View,
};

/// Sorts after all ids, because ids consist of hex digits.
const ABOVE_ALL: &str = "g";

/// The filter of a list.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    pub(crate) view: View,
    /// A part of the filename; empty matches all.
    pub(crate) filename: String,
    pub(crate) created_after: Option<Timestamp>,
    pub(crate) created_before: Option<Timestamp>,
    /// If set, only images deleted after this time, instead of the live ones.
    pub(crate) deleted_after: Option<Timestamp>,
}

/// The fields of a record to change; `None` leaves a field unchanged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    pub(crate) filename: Option<Filename>,
    pub(crate) metadata: Option<Metadata>,
}

/// The statement that inserts a record, with what it does if the id exists already.
macro_rules! insert_record {
    ($on_conflict:literal) => {
        concat!(
            "INSERT INTO images (id, filename, r2_key, content_type, size_bytes, sha256, width, height,
                 exif_orientation, uploaded_by, created_at, updated_at, metadata, revision, unknown_size)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (id) ",
            $on_conflict
        )
    };
}
use insert_record;

/// Inserts a record. A retry of an insert that succeeded changes nothing.
pub(crate) async fn insert<D: Database>(session: &Session<'_, D>, image: &Image) -> Result<()> {
    let statement = Statement::new(insert_record!("DO NOTHING"));
    session.write(vec![bind_record(statement, image)]).await.map(drop)
}

/// Binds the values of a record to [`insert_record`].
fn bind_record(insert: Statement, image: &Image) -> Statement {
    insert
        .bind(image.id.to_string())
        .bind(image.filename.as_str())
        .bind(image.key.as_str())
        .bind(image.format.media_type())
        .bind(image.size_bytes)
        .bind(image.sha256.as_str())
        .bind(image.dimensions.ok().map(|size| size.width))
        .bind(image.dimensions.ok().map(|size| size.height))
        .bind(i32::from(image.orientation.tag()))
        .bind(image.owner.as_str())
        .bind(image.created_at.as_millis())
        .bind(image.updated_at.as_millis())
        .bind(image.metadata.as_json())
        .bind(image.etag.revision())
        .bind(image.dimensions.err().map(UnknownSize::as_str))
}

/// The live image with this id.
pub(crate) async fn find<D: Database>(
    session: &Session<'_, D>,
    view: &View,
    id: ImageId,
) -> Result<Option<Image>> {
    let statement = Statement::new(
        "SELECT * FROM images WHERE id = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR uploaded_by = ?2)",
    )
    .bind(id.to_string())
    .bind(view.owner());
    session.read(statement).await?.into_iter().next().map(image).transpose()
}

/// The live images among `ids`, without their metadata.
pub(crate) async fn find_many<D: Database>(
    session: &Session<'_, D>,
    view: &View,
    ids: &[ImageId],
) -> Result<Vec<Image>> {
    let statement = Statement::new(
        "SELECT id, filename, r2_key, content_type, size_bytes, sha256, width, height, exif_orientation,
             uploaded_by, created_at, updated_at, deleted_at, '{}' AS metadata, revision, unknown_size
         FROM images
         WHERE id IN (SELECT value FROM json_each(?1)) AND deleted_at IS NULL
             AND (?2 IS NULL OR uploaded_by = ?2)",
    )
    .bind(json_list(ids))
    .bind(view.owner());
    session.read(statement).await?.into_iter().map(image).collect()
}

/// Reads one page of a list, newest first (see [`Scan`]). Ids are ordered by creation time, so a range of times is a range
/// of ids.
pub(crate) async fn list<D: Database>(
    session: &Session<'_, D>,
    filter: &Filter,
    page: Page,
) -> Result<Scan<Image>> {
    let sql = match filter.view {
        View::Own(_) => {
            "SELECT * FROM (
                 SELECT 1 AS matches, * FROM (
                     SELECT * FROM images WHERE uploaded_by = ?1 AND id >= ?2 AND id < ?3
                     ORDER BY id DESC LIMIT ?7)
                 WHERE instr(lower(filename), lower(?4))
                     AND iif(?5 IS NULL, deleted_at IS NULL, deleted_at > ?5)
                 ORDER BY id DESC LIMIT ?6)
             UNION ALL
             SELECT 0, * FROM images WHERE id = (
                 SELECT id FROM images WHERE uploaded_by = ?1 AND id >= ?2 AND id < ?3
                 ORDER BY id DESC LIMIT 1 OFFSET ?7 - 1)
             LIMIT ?6"
        }
        View::All => {
            "SELECT * FROM (
                 SELECT 1 AS matches, * FROM (
                     SELECT * FROM images WHERE ?1 IS NULL AND id >= ?2 AND id < ?3
                     ORDER BY id DESC LIMIT ?7)
                 WHERE instr(lower(filename), lower(?4))
                     AND iif(?5 IS NULL, deleted_at IS NULL, deleted_at > ?5)
                 ORDER BY id DESC LIMIT ?6)
             UNION ALL
             SELECT 0, * FROM images WHERE id = (
                 SELECT id FROM images WHERE ?1 IS NULL AND id >= ?2 AND id < ?3
                 ORDER BY id DESC LIMIT 1 OFFSET ?7 - 1)
             LIMIT ?6"
        }
    };
    let from = filter.created_after.map(Id::first_at).map_or_else(String::new, |id| id.to_string());
    let below = page.after.into_iter().chain(filter.created_before.map(Id::first_at)).min();
    let statement = Statement::new(sql)
        .bind(filter.view.owner())
        .bind(from)
        .bind(below.map_or_else(|| ABOVE_ALL.to_owned(), |id| id.to_string()))
        .bind(filter.filename.as_str())
        .bind(filter.deleted_after.map(Timestamp::as_millis))
        .bind(page.size.saturating_add(1))
        .bind(MAX_SCANNED);
    Scan::read(session.read(statement).await?, page, image, |image| image.id.into())
}

/// Updates a live image, if its etag is the expected one or none is expected.
pub(crate) async fn update<D: Database>(
    session: &Session<'_, D>,
    view: &View,
    id: ImageId,
    expected: Option<Etag>,
    change: &Change,
    now: Timestamp,
) -> Result<Option<Image>> {
    let statement = Statement::new(
        "UPDATE images
         SET filename = coalesce(?4, filename), metadata = coalesce(?5, metadata),
             updated_at = ?6, revision = revision + 1
         WHERE id = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR uploaded_by = ?2)
             AND (?3 IS NULL OR revision = ?3)
         RETURNING *",
    )
    .bind(id.to_string())
    .bind(view.owner())
    .bind(expected.map(Etag::revision))
    .bind(change.filename.as_ref().map(Filename::as_str))
    .bind(change.metadata.as_ref().map(Metadata::as_json))
    .bind(now.as_millis());
    write_one(session, statement).await
}

/// Marks a live image as deleted, if its etag is the expected one or none is expected.
pub(crate) async fn delete<D: Database>(
    session: &Session<'_, D>,
    view: &View,
    id: ImageId,
    expected: Option<Etag>,
    now: Timestamp,
) -> Result<Option<Image>> {
    let statement = Statement::new(
        "UPDATE images
         SET deleted_at = ?4, updated_at = ?4, revision = revision + 1
         WHERE id = ?1 AND deleted_at IS NULL AND (?2 IS NULL OR uploaded_by = ?2)
             AND (?3 IS NULL OR revision = ?3)
         RETURNING *",
    )
    .bind(id.to_string())
    .bind(view.owner())
    .bind(expected.map(Etag::revision))
    .bind(now.as_millis());
    write_one(session, statement).await
}

/// Restores an image that was deleted after `deleted_after`.
pub(crate) async fn undelete<D: Database>(
    session: &Session<'_, D>,
    view: &View,
    id: ImageId,
    deleted_after: Timestamp,
    now: Timestamp,
) -> Result<Option<Image>> {
    let statement = Statement::new(
        "UPDATE images
         SET deleted_at = NULL, updated_at = ?4, revision = revision + 1
         WHERE id = ?1 AND (?2 IS NULL OR uploaded_by = ?2) AND deleted_at > ?3
         RETURNING *",
    )
    .bind(id.to_string())
    .bind(view.owner())
    .bind(deleted_after.as_millis())
    .bind(now.as_millis());
    write_one(session, statement).await
}

/// Returns the keys among `keys` that have no record.
pub(crate) async fn without_record<D: Database>(
    session: &Session<'_, D>,
    keys: Vec<ObjectKey>,
) -> Result<Vec<ObjectKey>> {
    if keys.is_empty() {
        return Ok(keys);
    }
    let statement = Statement::new(
        "SELECT value AS r2_key FROM json_each(?1)
         WHERE NOT EXISTS (SELECT 1 FROM images WHERE r2_key = value)",
    )
    .bind(json_list(&keys));
    session.read(statement).await?.into_iter().map(|mut row| object_key(&mut row)).collect()
}

async fn write_one<D: Database>(session: &Session<'_, D>, statement: Statement) -> Result<Option<Image>> {
    let outcomes = session.write(vec![statement]).await?;
    outcomes.into_iter().flat_map(|outcome| outcome.rows).next().map(image).transpose()
}

fn json_list(texts: &[impl ToString]) -> String {
    serde_json::Value::from_iter(texts.iter().map(ToString::to_string)).to_string()
}

fn image(mut row: Row) -> Result<Image> {
    Ok(Image {
        id: parsed(&mut row, "id", |text| text.parse().ok().map(|id: Id| id.into()))?,
        filename: parsed(&mut row, "filename", Filename::stored)?,
        key: object_key(&mut row)?,
        format: parsed(&mut row, "content_type", Format::from_media_type)?,
        size_bytes: row.take("size_bytes")?,
        sha256: row.take("sha256")?,
        dimensions: dimensions(&mut row)?,
        orientation: Orientation::from_tag(row.take::<i32>("exif_orientation")?)
            .unwrap_or(Orientation::UPRIGHT),
        owner: parsed(&mut row, "uploaded_by", |text| UserId::parse(text).ok())?,
        created_at: Timestamp::from_millis(row.take("created_at")?),
        updated_at: Timestamp::from_millis(row.take("updated_at")?),
        deleted_at: row.take::<Option<i64>>("deleted_at")?.map(Timestamp::from_millis),
        metadata: parsed(&mut row, "metadata", Metadata::from_json)?,
        etag: Etag::of_revision(row.take("revision")?),
    })
}

fn dimensions(row: &mut Row) -> Result<std::result::Result<Dimensions, UnknownSize>> {
    let sides = row.take::<Option<i32>>("width")?.zip(row.take::<Option<i32>>("height")?);
    let reason = UnknownSize::from_stored(row.take::<Option<String>>("unknown_size")?.as_deref());
    Ok(sides.and_then(|(width, height)| Dimensions::new(width, height)).ok_or(reason))
}

fn object_key(row: &mut Row) -> Result<ObjectKey> {
    parsed(row, "r2_key", ObjectKey::parse)
}

fn parsed<T>(row: &mut Row, column: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
    let text: String = row.take(column)?;
    parse(&text).ok_or_else(|| Error::Row { column: column.to_owned(), problem: "holds an invalid value" })
}
