//! Reads the change log: which annotations changed, in the order of the commits.
//!
//! **Is it the same log?** A database can be restored from a backup, and the services are not notified. The log then ends
//! earlier, and grows past its old end with other changes. So each record has a random `mark`, and each read passes the newest
//! record that its reader has seen before (its *anchor*). If the log has that record, with that mark, everything up to it is
//! the same, and the reader may continue. If not, what the reader knows may be wrong, and the reader starts over.
//!
//! The anchor is the newest record *at the time of the read*, not the last one that was read: a read leaves out changes that
//! newer ones supersede, and the newer ones may be gone after a restore.

use storage::{Database, Error, Result, Row, Session, Statement};

use super::{decode_annotation, require_valid};
use crate::annotation::{Annotation, AnnotationId, ImageId};

/// A position in the change log: the reader knows everything before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// The sequence number of the record to continue with.
    pub(crate) seq: i64,
    /// The last annotation of that record that the reader knows, if there is one.
    pub(crate) above: Option<AnnotationId>,
}

impl Position {
    /// The position after the whole record `seq`.
    pub(crate) const fn after(seq: i64) -> Self {
        Self { seq: seq.saturating_add(1), above: None }
    }

    /// The position after one change.
    pub(crate) const fn after_change(change: &Change) -> Self {
        match &change.kind {
            ChangeKind::Changed(annotation) => Self { seq: change.seq, above: Some(annotation.id) },
            // The only change of its record.
            ChangeKind::Removed(_) | ChangeKind::Visibility => Self::after(change.seq),
        }
    }

    /// Whether `change` is after this position.
    pub(crate) fn is_before(self, change: &Change) -> bool {
        let within = || self.above.is_none_or(|above| change.id() > Some(above));
        change.seq > self.seq || (change.seq == self.seq && within())
    }
}

/// A record of the log. Its random mark identifies the log that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) seq: i64,
    pub(crate) mark: i64,
}

/// One annotation that changed, or the visibility of an image.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The sequence number of its record.
    pub(crate) seq: i64,
    pub(crate) image_id: ImageId,
    pub(crate) kind: ChangeKind,
}

/// How it changed.
#[derive(Clone, Debug)]
pub(crate) enum ChangeKind {
    /// The annotation is new or has a new revision.
    Changed(Annotation),
    Removed(AnnotationId),
    /// The image was deleted or undeleted. Its present state must be read from the database.
    Visibility,
}

impl Change {
    /// The annotation that changed, if it is about one.
    pub(crate) const fn id(&self) -> Option<AnnotationId> {
        match &self.kind {
            ChangeKind::Changed(annotation) => Some(annotation.id),
            ChangeKind::Removed(id) => Some(*id),
            ChangeKind::Visibility => None,
        }
    }
}

/// A page of the change log.
#[derive(Debug)]
pub(crate) struct ChangePage {
    /// In the order of the log. If an annotation changed several times, its older changes are left out.
    pub(crate) changes: Vec<Change>,
    /// The sequence number of the oldest record that the log still has; `None` if the log is empty.
    pub(crate) oldest: Option<i64>,
    /// The newest record, the anchor of the next read; `None` if the log is empty.
    pub(crate) newest: Option<Record>,
    /// Whether the log has the anchor of this read.
    pub(crate) is_same_log: bool,
    /// Where the next page begins.
    pub(crate) next: Position,
    /// Whether the log may have more changes already.
    pub(crate) has_more: bool,
}

/// Reads the changes of `images` from `from` on, at most `limit`, for a reader that has seen the log up to `anchor`.
pub(crate) async fn changes<D: Database>(
    session: &Session<'_, D>,
    images: &[ImageId],
    (from, anchor): (Position, Option<Record>),
    limit: usize,
) -> Result<ChangePage> {
    let statement = Statement::new(
        "WITH page AS (
             SELECT recent.seq, recent.image_id AS changed_image, recent.first_id,
                    recent.revision IS NULL AS is_removed, annotations.id IS NOT NULL AS is_found, annotations.*
             FROM annotation_changes AS recent
             LEFT JOIN annotations
                 ON annotations.image_id = recent.image_id
                AND annotations.id BETWEEN recent.first_id AND recent.last_id
                AND annotations.revision = recent.revision
                AND (recent.seq > ?1 OR annotations.id > ?2)
             WHERE recent.seq >= ?1 AND recent.image_id IN (SELECT value FROM json_each(?3))
             ORDER BY recent.seq, annotations.id LIMIT ?4
         )
         SELECT (SELECT min(seq) FROM annotation_changes) AS oldest,
                (SELECT mark FROM annotation_changes WHERE seq = ?5) AS anchor_mark,
                newest.seq AS newest, newest.mark AS newest_mark, page.*
         FROM (SELECT 1)
              LEFT JOIN (SELECT seq, mark FROM annotation_changes ORDER BY seq DESC LIMIT 1) AS newest
              LEFT JOIN page
         ORDER BY page.seq, page.id",
    )
    .bind(from.seq)
    .bind(from.above.map_or_else(String::new, |id| id.to_string()))
    .bind(to_json(images)?)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .bind(anchor.map(|anchor| anchor.seq));
    decode_page(session.read(statement).await?, (from, anchor), limit)
}

/// Whether the database can be read and written.
pub(crate) async fn probe(database: &impl Database) -> Result<()> {
    let statement = Statement::new("SELECT max(seq) AS newest FROM annotation_changes");
    database.probe(statement).await.map(drop)
}

fn decode_page(
    rows: Vec<Row>,
    (from, anchor): (Position, Option<Record>),
    limit: usize,
) -> Result<ChangePage> {
    let count = rows.len();
    let mut page = ChangePage {
        changes: Vec::with_capacity(count),
        oldest: None,
        newest: None,
        is_same_log: anchor.is_none(),
        next: from,
        has_more: count >= limit,
    };
    for mut row in rows {
        page.oldest = row.take("oldest")?;
        (page.newest, page.is_same_log) = decode_newest(&mut row, anchor)?;
        let Some(seq) = row.take("seq")? else { continue };
        page.next = Position::after(seq);
        if let Some(change) = decode_change(seq, row)? {
            page.next = Position::after_change(&change);
            page.changes.push(change);
        }
    }
    if !page.has_more {
        page.next = from.max(Position::after(seq_of(page.newest)));
    }
    Ok(page)
}

/// The sequence number of a record; 0 for none.
pub(crate) fn seq_of(record: Option<Record>) -> i64 {
    record.map_or(0, |record| record.seq)
}

/// Decodes the newest record, and whether the log has `anchor`.
fn decode_newest(row: &mut Row, anchor: Option<Record>) -> Result<(Option<Record>, bool)> {
    let seq: Option<i64> = row.take("newest")?;
    let mark: Option<i64> = row.take("newest_mark")?;
    let found: Option<i64> = row.take("anchor_mark")?;
    let newest = seq.zip(mark).map(|(seq, mark)| Record { seq, mark });
    Ok((newest, anchor.is_none_or(|anchor| found == Some(anchor.mark))))
}

/// Decodes the change of one row; `None` if a newer change of the same annotation supersedes it.
fn decode_change(seq: i64, mut row: Row) -> Result<Option<Change>> {
    let image: String = row.take("changed_image")?;
    let image_id = require_valid("image_id", ImageId::parse("image_id", &image))?;
    let kind = if row.take::<i64>("is_removed")? != 0 {
        decode_removed(&row.take::<String>("first_id")?)?
    } else if row.take::<i64>("is_found")? != 0 {
        ChangeKind::Changed(decode_annotation(row)?)
    } else {
        return Ok(None);
    };
    Ok(Some(Change { seq, image_id, kind }))
}

/// Decodes a record without a revision: the annotation was removed, or, if there is no annotation, the image was deleted or
/// undeleted.
fn decode_removed(first_id: &str) -> Result<ChangeKind> {
    if first_id.is_empty() {
        return Ok(ChangeKind::Visibility);
    }
    require_valid("first_id", AnnotationId::parse("first_id", first_id)).map(ChangeKind::Removed)
}

/// A page of an image's annotations at one moment, in the order of their ids.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) annotations: Vec<Annotation>,
    /// The newest record at that moment, the anchor of the next read; `None` if the log is empty.
    pub(crate) newest: Option<Record>,
    /// Whether the log has the anchor of this read.
    pub(crate) is_same_log: bool,
    /// Whether the image is visible.
    pub(crate) is_visible: bool,
}

/// Reads the annotations of the image after `after`, at most `limit`, for a reader that has seen the log up to `anchor`.
pub(crate) async fn snapshot<D: Database>(
    session: &Session<'_, D>,
    image_id: ImageId,
    (after, anchor): (Option<AnnotationId>, Option<Record>),
    limit: usize,
) -> Result<Snapshot> {
    let statement = Statement::new(
        "WITH page AS (
             SELECT * FROM annotations WHERE image_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3
         )
         SELECT (SELECT mark FROM annotation_changes WHERE seq = ?4) AS anchor_mark,
                newest.seq AS newest, newest.mark AS newest_mark,
                EXISTS (SELECT 1 FROM visible_images WHERE id = ?1) AS is_visible,
                page.id IS NOT NULL AS is_found, page.*
         FROM (SELECT 1)
              LEFT JOIN (SELECT seq, mark FROM annotation_changes ORDER BY seq DESC LIMIT 1) AS newest
              LEFT JOIN page
         ORDER BY page.id",
    )
    .bind(image_id.to_string())
    .bind(after.map_or_else(String::new, |id| id.to_string()))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .bind(anchor.map(|anchor| anchor.seq));
    let mut snapshot =
        Snapshot { annotations: Vec::new(), newest: None, is_same_log: anchor.is_none(), is_visible: false };
    for mut row in session.read(statement).await? {
        (snapshot.newest, snapshot.is_same_log) = decode_newest(&mut row, anchor)?;
        snapshot.is_visible = row.take::<i64>("is_visible")? != 0;
        if row.take::<i64>("is_found")? != 0 {
            snapshot.annotations.push(decode_annotation(row)?);
        }
    }
    Ok(snapshot)
}

fn to_json(images: &[ImageId]) -> Result<String> {
    let texts: Vec<_> = images.iter().map(ToString::to_string).collect();
    serde_json::to_string(&texts).map_err(Error::broken)
}
