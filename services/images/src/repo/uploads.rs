//! The SQL for direct uploads that are not completed yet.

use runtime::{Id, Timestamp};
use storage::{Database, Error, Result, Row, Session, Statement};

use super::{bind_record, image, insert_record, parsed};
use crate::{
    direct::{Declaration, DirectUpload},
    format::Format,
    image::{Checksum, Filename, Image, ImageId, Metadata},
};
use identity::UserId;

/// Inserts an upload. A retry of an insert that succeeded changes nothing.
pub(crate) async fn insert<D: Database>(session: &Session<'_, D>, upload: &DirectUpload) -> Result<()> {
    let declaration = &upload.declaration;
    let statement = Statement::new(
        "INSERT INTO uploads (id, filename, content_type, size_bytes, sha256, created_by, created_at, metadata)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(upload.id.to_string())
    .bind(declaration.filename.as_str())
    .bind(declaration.format.media_type())
    .bind(declaration.size_bytes)
    .bind(declaration.sha256.as_ref().map(Checksum::as_str))
    .bind(upload.owner.as_str())
    .bind(upload.created_at.as_millis())
    .bind(declaration.metadata.as_json());
    session.write(vec![statement]).await.map(drop)
}

/// Reads the upload with this id. If `owner` is set, only if that user created it.
pub(crate) async fn find<D: Database>(
    session: &Session<'_, D>,
    owner: Option<&UserId>,
    id: ImageId,
) -> Result<Option<DirectUpload>> {
    let statement = Statement::new("SELECT * FROM uploads WHERE id = ?1 AND (?2 IS NULL OR created_by = ?2)")
        .bind(id.to_string())
        .bind(owner.map(UserId::as_str));
    session.read(statement).await?.into_iter().next().map(upload).transpose()
}

/// Replaces the upload by the record of its image. Returns the record that exists afterwards: if the upload was completed
/// before, that is the earlier record.
pub(crate) async fn complete<D: Database>(session: &Session<'_, D>, completed: &Image) -> Result<Image> {
    let insert = Statement::new(insert_record!("DO UPDATE SET revision = revision RETURNING *"));
    let delete = Statement::new("DELETE FROM uploads WHERE id = ?1").bind(completed.id.to_string());
    let outcomes = session.write(vec![bind_record(insert, completed), delete]).await?;
    let row = outcomes.into_iter().flat_map(|outcome| outcome.rows).next();
    row.map(image).ok_or_else(|| Error::broken("an insert returned no row"))?
}

/// Removes up to `limit` uploads that were created before this time. Returns the number of removed uploads.
pub(crate) async fn expire<D: Database>(
    session: &Session<'_, D>,
    created_before: Timestamp,
    limit: u32,
) -> Result<u64> {
    let statement = Statement::new(
        "DELETE FROM uploads WHERE id IN (SELECT id FROM uploads WHERE id < ?1 ORDER BY id LIMIT ?2)",
    )
    .bind(Id::first_at(created_before).to_string())
    .bind(limit);
    Ok(session.write(vec![statement]).await?.into_iter().map(|outcome| outcome.changes).sum())
}

fn upload(mut row: Row) -> Result<DirectUpload> {
    let sha256 = row.take::<Option<String>>("sha256")?;
    let sha256 = sha256.map(|text| Checksum::parse("sha256", &text)).transpose();
    let sha256 =
        sha256.map_err(|_| Error::Row { column: "sha256".to_owned(), problem: "is not a checksum" })?;
    Ok(DirectUpload {
        id: parsed(&mut row, "id", |text| text.parse().ok().map(|id: Id| id.into()))?,
        owner: parsed(&mut row, "created_by", |text| UserId::parse(text).ok())?,
        created_at: Timestamp::from_millis(row.take("created_at")?),
        declaration: Declaration {
            filename: parsed(&mut row, "filename", Filename::stored)?,
            format: parsed(&mut row, "content_type", Format::from_media_type)?,
            size_bytes: row.take("size_bytes")?,
            sha256,
            metadata: parsed(&mut row, "metadata", Metadata::from_json)?,
        },
    })
}
