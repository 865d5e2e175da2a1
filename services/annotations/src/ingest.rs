//! Stores streams of annotations exactly once. `annotation/stream.rs` has their names and offsets.
//!
//! A batch and the stream's new offset are committed together (`repo/ingest.rs`), so a resent annotation is recognized by its
//! offset. `stream.rs` is one call of a producer, `inbound.rs` reads its messages, `resent.rs` handles resent annotations, and
//! `budget.rs` limits the open streams and their memory.

mod budget;
mod inbound;
mod resent;
mod stream;

use std::collections::BTreeSet;

use aip::{Violation, Violations};
use proto::annotations::v1 as pb;
use runtime::{Clock, Id, Timestamp};
use storage::Constraint;

pub(crate) use self::{budget::Budget, stream::Ingest};
use crate::{
    AnnotationsService,
    annotation::{Annotation, ImageId, NewAnnotation, Offset, Progress, StreamId},
    call::Call,
    error::{Error, Result},
    host::Host,
    repo::ingest::{self as repo, StreamWriter},
    service::new_record,
};

/// The maximum number of annotations of one message.
pub(crate) const MAX_BATCH: usize = 5_000;

/// The most annotations of one transaction while other callers write: storing them takes less time than the commit.
const PART: usize = 40;

/// How many times a commit is tried, if images are deleted or purged at the same time.
const COMMIT_ATTEMPTS: usize = 4;

/// The violation of an annotation that is valid by itself and whose image the caller cannot access.
const MISSING_IMAGE: &str = "must be an image that exists";

/// The annotations of one or more messages, not checked yet.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) offset: Offset,
    pub(crate) messages: Vec<pb::NewAnnotation>,
}

impl Batch {
    pub(crate) fn decode(offset: i64, messages: Vec<pb::NewAnnotation>) -> Result<Self> {
        if messages.len() > MAX_BATCH {
            let rule = format!("must hold at most {MAX_BATCH} annotations, not {}", messages.len());
            return Err(Violation::new("annotations", rule).into());
        }
        let offset = Offset::parse(offset)?;
        offset.plus(messages.len())?;
        Ok(Self { offset, messages })
    }

    /// Whether `offset` is the one after its last annotation.
    fn ends_at(&self, offset: i64) -> bool {
        self.offset.plus(self.messages.len()).is_ok_and(|end| end.get() == offset)
    }
}

/// The result of a batch.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    pub(crate) next_offset: i64,
    pub(crate) invalid: Vec<pb::InvalidAnnotation>,
}

/// A stream that this call has opened as its writer.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) stream_id: StreamId,
    writer: Id,
    progress: Progress,
}

impl<H: Host> AnnotationsService<H> {
    /// Makes the caller the stream's writer.
    pub(crate) async fn open_stream(&self, call: &Call<'_, H>, stream_id: StreamId) -> Result<Open> {
        let now = self.ports.clock.now();
        let (writer, seed) = (Id::generate(now, &self.ports.entropy), Id::generate(now, &self.ports.entropy));
        let stream = StreamWriter { owner: call.caller.user_id(), stream_id: &stream_id, writer };
        let limit = self.settings.max_stream_names;
        let progress = repo::open(&call.session, stream, seed, now, limit).await?;
        let progress = progress.ok_or(Error::TooManyStreams(limit))?;
        Ok(Open { stream_id, writer, progress })
    }

    /// Reads the progress of one of the caller's streams.
    pub(crate) async fn find_stream(&self, call: &Call<'_, H>, stream_id: &StreamId) -> Result<Progress> {
        let found = repo::find(&call.session, call.caller.user_id(), stream_id).await?;
        found.ok_or_else(|| Error::StreamNotFound(stream_id.as_str().to_owned()))
    }

    /// Stores the new and valid annotations of `batch`, and moves the stream after it. Resent annotations are not stored again;
    /// those of them that are not stored are reported again. After an error the stream may have moved after a part of the
    /// batch.
    pub(crate) async fn accept(&self, call: &Call<'_, H>, open: &mut Open, batch: Batch) -> Result<Accepted> {
        let from = open.progress.next_offset;
        if batch.offset > from {
            return Err(Error::Gap { next_offset: from.get() });
        }
        let Batch { offset, messages: mut resent } = batch;
        let fresh = resent.split_off(resent.len().min(from.since(offset)));
        let mut invalid = self.missing(call, open, offset, resent).await?;
        let mut fresh = fresh.into_iter();
        while fresh.len() > 0 {
            // Another caller's write would wait for the whole transaction.
            let most = if call.session.is_contended() { PART } else { MAX_BATCH };
            invalid.extend(self.append(call, open, fresh.by_ref().take(most)).await?);
        }
        Ok(Accepted { next_offset: open.progress.next_offset.get(), invalid })
    }

    /// Stores the valid ones of `messages` in one transaction, moves the stream after all of them, and reports the others.
    async fn append(
        &self,
        call: &Call<'_, H>,
        open: &mut Open,
        messages: impl ExactSizeIterator<Item = pb::NewAnnotation> + Send,
    ) -> Result<Vec<pb::InvalidAnnotation>> {
        let from = open.progress.next_offset;
        let to = from.plus(messages.len())?;
        let (rows, mut invalid) = check(from.following().zip(messages));
        invalid.extend(self.store(call, open, rows, (from, to)).await?);
        invalid.sort_by_key(|invalid| invalid.offset);
        open.progress.next_offset = to;
        Ok(invalid)
    }

    /// The reason why this call could not move the stream. If the stored offset is lower than this call's, the database was
    /// restored, because an offset never decreases otherwise. If not, another writer has opened the stream.
    async fn reason_not_moved(&self, call: &Call<'_, H>, open: &Open) -> Result<Error> {
        let found = repo::find(&call.session, call.caller.user_id(), &open.stream_id).await?;
        let next_offset = found.map_or(0, |progress| progress.next_offset.get());
        let is_behind = next_offset < open.progress.next_offset.get();
        Ok(if is_behind { Error::Rewound { next_offset } } else { Error::Fenced })
    }

    /// Stores the annotations whose images exist for the caller, moves the stream, and returns the others as invalid.
    async fn store(
        &self,
        call: &Call<'_, H>,
        open: &Open,
        rows: Vec<(Offset, NewAnnotation)>,
        move_to: (Offset, Offset),
    ) -> Result<Vec<pb::InvalidAnnotation>> {
        let sent: Vec<_> = rows.iter().map(|(offset, new)| (*offset, new.image_id)).collect();
        let mut images: BTreeSet<ImageId> = sent.iter().map(|(_, image_id)| *image_id).collect();
        let now = self.ports.clock.now();
        let mut annotations = records(call, open, now, rows);
        let stream =
            StreamWriter { owner: call.caller.user_id(), stream_id: &open.stream_id, writer: open.writer };
        let mut attempt = 1;
        loop {
            // An attempt asks only for the images of the one before: the annotations of others are not kept.
            images = self.owners.accessible(call, &images).await?;
            annotations.retain(|annotation| images.contains(&annotation.image_id));
            match repo::commit(&call.session, stream, &annotations, move_to, now).await {
                Ok(true) => {
                    self.feed.notify(&images, call.session.confirmed());
                    let missing = sent.into_iter().filter(|(_, image_id)| !images.contains(image_id));
                    return Ok(missing.map(|(offset, _)| invalid_image(offset, MISSING_IMAGE)).collect());
                }
                Ok(false) => return Err(self.reason_not_moved(call, open).await?),
                // An image was deleted or purged after its owner was cached.
                Err(storage::Error::Constraint(Constraint::ForeignKey)) if attempt < COMMIT_ATTEMPTS => {
                    self.owners.forget(&images.iter().copied().collect::<Vec<_>>());
                    attempt += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The records of the annotations at these offsets of the stream, made at `now`.
fn records<H: Host>(
    call: &Call<'_, H>,
    open: &Open,
    now: Timestamp,
    rows: Vec<(Offset, NewAnnotation)>,
) -> Vec<Annotation> {
    let id = |offset: Offset| open.progress.seed.at_position(offset.position());
    rows.into_iter().map(|(offset, new)| new_record(call, id(offset), now, new)).collect()
}

/// Splits annotations into the valid ones, with their offsets, and the violations of the others.
fn check(
    messages: impl Iterator<Item = (Offset, pb::NewAnnotation)>,
) -> (Vec<(Offset, NewAnnotation)>, Vec<pb::InvalidAnnotation>) {
    let (mut rows, mut invalid) = (Vec::with_capacity(messages.size_hint().1.unwrap_or(0)), Vec::new());
    for (offset, message) in messages {
        match NewAnnotation::try_from(message) {
            Ok(new) => rows.push((offset, new)),
            Err(violations) => invalid.extend(invalid_annotations(offset, &violations)),
        }
    }
    (rows, invalid)
}

fn invalid_annotations(offset: Offset, violations: &Violations) -> Vec<pb::InvalidAnnotation> {
    let each = |violation: &Violation| pb::InvalidAnnotation {
        offset: offset.get(),
        field: violation.field.clone(),
        reason: violation.description.clone(),
    };
    violations.named().iter().map(each).collect()
}

fn invalid_image(offset: Offset, reason: &str) -> pb::InvalidAnnotation {
    pb::InvalidAnnotation { offset: offset.get(), field: "image_id".to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_beyond_their_limits_are_rejected() {
        assert!(Batch::decode(0, vec![pb::NewAnnotation::default(); MAX_BATCH]).is_ok());
        assert!(Batch::decode(0, vec![pb::NewAnnotation::default(); MAX_BATCH + 1]).is_err());
        assert!(Batch::decode(999_999_999_998, vec![pb::NewAnnotation::default()]).is_ok());
        let Err(Error::Invalid(violations)) =
            Batch::decode(999_999_999_999, vec![pb::NewAnnotation::default()])
        else {
            panic!("accepted")
        };
        assert_eq!(violations.named()[0].field, "annotations", "the offset itself is valid");
    }
}
