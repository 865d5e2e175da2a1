//! Streams of boxes that are stored exactly once: their names, offsets, and what becomes of a batch.

mod budget;
mod inbound;
mod resent;
mod stream;

use std::collections::BTreeSet;

use aip::{Violation, Violations};
use proto::annotations::v1 as pb;
use storage::{Clock, Constraint, Database, Entropy, Id, Timer, Timestamp};

pub(crate) use self::{budget::Budget, stream::Ingest};
use crate::{
    AnnotationsService,
    annotation::{Annotation, ImageId, NewAnnotation},
    call::Call,
    error::{Error, Result},
    owners::ImagesBackend,
    repo::ingest::{self as repo, Writing},
    service::annotation,
};

/// The most boxes of one message.
pub(crate) const MAX_BATCH: usize = 5_000;

/// The most annotations of one transaction while other callers write: they take less time than its commit.
const PART: usize = 40;

/// The longest name of a stream, in characters of one byte each.
pub(crate) const MAX_STREAM_ID: usize = 128;

/// How often a commit begins again because an image was deleted or purged in between.
const COMMIT_ATTEMPTS: usize = 4;

/// What is wrong with the image of an annotation that is valid by itself.
const MISSING_IMAGE: &str = "must be an image that exists";

/// The name of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamId(String);

impl StreamId {
    pub(crate) fn parse(text: String) -> Result<Self, Violation> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        if (1..=MAX_STREAM_ID).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text));
        }
        Err(Violation::new("stream_id", "must be 1 to 128 letters, digits, `-`, `_`, `.` and `~`"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A place in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Offset(i64);

impl Offset {
    /// Ids have room for 2^42 places.
    const END: i64 = 1 << 42;

    /// `offset`, if it is from 0 to 2^42.
    pub(crate) fn new(offset: i64) -> Option<Self> {
        (0..=Self::END).contains(&offset).then_some(Self(offset))
    }

    pub(crate) fn parse(offset: i64) -> Result<Self, Violation> {
        Self::new(offset).ok_or_else(|| Violation::new("offset", format!("must be 0 to {}", Self::END)))
    }

    pub(crate) const fn get(self) -> i64 {
        self.0
    }

    fn plus(self, count: usize) -> Result<Self, Violation> {
        let sum = i64::try_from(count).ok().and_then(|count| self.0.checked_add(count));
        Self::parse(sum.unwrap_or(i64::MAX))
    }

    /// How many places lie between the two; 0 if `earlier` is the later one.
    fn since(self, earlier: Self) -> usize {
        usize::try_from(self.0.saturating_sub(earlier.0)).unwrap_or_default()
    }

    fn position(self) -> u64 {
        self.0.unsigned_abs()
    }
}

/// How far a stream has come, and what its ids are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) next_offset: Offset,
    pub(crate) seed: Id,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// Boxes of one message, as they came.
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

    /// Whether the place behind its last box is `offset`.
    fn ends_at(&self, offset: i64) -> bool {
        self.offset.plus(self.messages.len()).is_ok_and(|end| end.get() == offset)
    }
}

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    pub(crate) next_offset: i64,
    pub(crate) invalid: Vec<pb::InvalidAnnotation>,
}

/// A stream that is open for this writer.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) stream_id: StreamId,
    writer: Id,
    progress: Progress,
}

impl<D: Database, I: ImagesBackend, C: Clock, E: Entropy, T: Timer> AnnotationsService<D, I, C, E, T> {
    /// Makes the caller the stream's writer.
    pub(crate) async fn open_stream(&self, call: &Call<'_, D>, stream_id: StreamId) -> Result<Open> {
        let now = self.ports.clock.now();
        let (writer, seed) = (Id::generate(now, &self.ports.entropy), Id::generate(now, &self.ports.entropy));
        let writing = Writing { owner: call.caller.user_id(), stream_id: &stream_id, writer };
        let limit = self.settings.max_stream_names;
        let progress = repo::open(&call.session, writing, seed, now, limit).await?;
        let progress = progress.ok_or(Error::TooManyStreams(limit))?;
        Ok(Open { stream_id, writer, progress })
    }

    /// How far a stream of the caller's has come.
    pub(crate) async fn find_stream(&self, call: &Call<'_, D>, stream_id: &StreamId) -> Result<Progress> {
        let found = repo::find(&call.session, call.caller.user_id(), stream_id).await?;
        found.ok_or_else(|| Error::StreamNotFound(stream_id.as_str().to_owned()))
    }

    /// Stores what of `batch` is new and valid, and moves the stream behind it. What was sent before is not stored again;
    /// what of it is missing is reported again. After an error the stream may have moved behind a part of the batch.
    pub(crate) async fn accept(&self, call: &Call<'_, D>, open: &mut Open, batch: Batch) -> Result<Accepted> {
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

    /// Stores the valid ones of `messages` in one transaction, moves the stream behind all of them, and reports the others.
    async fn append(
        &self,
        call: &Call<'_, D>,
        open: &mut Open,
        messages: impl ExactSizeIterator<Item = pb::NewAnnotation> + Send,
    ) -> Result<Vec<pb::InvalidAnnotation>> {
        let from = open.progress.next_offset;
        let to = from.plus(messages.len())?;
        let (rows, mut invalid) = check((from.get()..).map(Offset).zip(messages));
        invalid.extend(self.store(call, open, rows, (from, to)).await?);
        invalid.sort_by_key(|invalid| invalid.offset);
        open.progress.next_offset = to;
        Ok(invalid)
    }

    /// Why the stream is not where this call has moved it: another writer opened it, or the database was restored, for a
    /// stream never goes back by itself.
    async fn why_not_moved(&self, call: &Call<'_, D>, open: &Open) -> Result<Error> {
        let found = repo::find(&call.session, call.caller.user_id(), &open.stream_id).await?;
        let next_offset = found.map_or(0, |progress| progress.next_offset.get());
        let is_behind = next_offset < open.progress.next_offset.get();
        Ok(if is_behind { Error::Rewound { next_offset } } else { Error::Fenced })
    }

    /// Stores the boxes whose images exist for the caller, moves the stream, and answers the other boxes.
    async fn store(
        &self,
        call: &Call<'_, D>,
        open: &Open,
        rows: Vec<(Offset, NewAnnotation)>,
        move_to: (Offset, Offset),
    ) -> Result<Vec<pb::InvalidAnnotation>> {
        let images: BTreeSet<ImageId> = rows.iter().map(|(_, new)| new.image_id).collect();
        let writing =
            Writing { owner: call.caller.user_id(), stream_id: &open.stream_id, writer: open.writer };
        let mut attempt = 1;
        loop {
            let accessible = self.owners.accessible(call, &images).await?;
            let now = self.ports.clock.now();
            let (good, foreign): (Vec<_>, Vec<_>) =
                rows.iter().partition(|(_, new)| accessible.contains(&new.image_id));
            let id = |offset: Offset| open.progress.seed.at_position(offset.position());
            let boxes: Vec<Annotation> = good
                .into_iter()
                .map(|(offset, new)| annotation(call, id(*offset), now, new.clone()))
                .collect();
            match repo::commit(&call.session, writing, &boxes, move_to, now).await {
                Ok(true) => {
                    self.feed.note(&images, call.session.confirmed());
                    return Ok(foreign
                        .into_iter()
                        .map(|(offset, _)| invalid_image(*offset, MISSING_IMAGE))
                        .collect());
                }
                Ok(false) => return Err(self.why_not_moved(call, open).await?),
                // An image was deleted or purged since its owner was remembered.
                Err(storage::Error::Constraint(Constraint::ForeignKey)) if attempt < COMMIT_ATTEMPTS => {
                    self.owners.forget(&images.iter().copied().collect::<Vec<_>>());
                    attempt += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// The good boxes with their places, and the broken rules of the others.
fn check(
    messages: impl Iterator<Item = (Offset, pb::NewAnnotation)>,
) -> (Vec<(Offset, NewAnnotation)>, Vec<pb::InvalidAnnotation>) {
    let (mut rows, mut invalid) = (Vec::with_capacity(messages.size_hint().1.unwrap_or(0)), Vec::new());
    for (offset, message) in messages {
        match NewAnnotation::try_from(message) {
            Ok(new) => rows.push((offset, new)),
            Err(broken) => invalid.extend(told(offset, &broken)),
        }
    }
    (rows, invalid)
}

fn told(offset: Offset, broken: &Violations) -> Vec<pb::InvalidAnnotation> {
    let each = |violation: &Violation| pb::InvalidAnnotation {
        offset: offset.get(),
        field: violation.field.clone(),
        reason: violation.description.clone(),
    };
    broken.named().iter().map(each).collect()
}

fn invalid_image(offset: Offset, reason: &str) -> pb::InvalidAnnotation {
    pb::InvalidAnnotation { offset: offset.get(), field: "image_id".to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_offsets_end_at_their_limits() {
        assert!(StreamId::parse("a".repeat(128)).is_ok());
        for wrong in ["", "a/b", "a:b", "a b", "ä", &"a".repeat(129)] {
            assert!(StreamId::parse(wrong.to_owned()).is_err(), "{wrong}");
        }
        assert!(Offset::new(1 << 42).is_some());
        assert!(Offset::new((1 << 42) + 1).is_none() && Offset::new(-1).is_none());
        assert!(Batch::decode(0, vec![pb::NewAnnotation::default(); MAX_BATCH]).is_ok());
        assert!(Batch::decode(0, vec![pb::NewAnnotation::default(); MAX_BATCH + 1]).is_err());
        assert!(Batch::decode((1 << 42) - 1, vec![pb::NewAnnotation::default(); 2]).is_err());
    }
}
