//! One producer's call: messages in, acknowledgements out, at the pace of the database.
//!
//! Nothing runs beside the answer's stream: who does not read acknowledgements stops it, and with it the reading of
//! messages, which HTTP/2 makes the producer feel. What is in memory is one group, and what HTTP/2 has let in.

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http::Extensions;
use identity::Scope;
use proto::annotations::v1 as pb;
use storage::{Clock, Database, Entropy, Timer};
use tonic::{Status, Streaming, metadata::MetadataMap};

use super::{Accepted, Batch, Open, StreamId, inbound::Inbound};
use crate::{
    AnnotationsService,
    call::Call,
    error::{Error, Result},
    owners::ImagesBackend,
};

/// How many broken rules one answer tells at most: no more than a client's limit of 4 MiB a message has room for.
const TOLD_AT_ONCE: usize = 20_000;

/// A call of `IngestAnnotations`.
pub(crate) struct Ingest<D, I, C, E, T> {
    service: AnnotationsService<D, I, C, E, T>,
    metadata: MetadataMap,
    extensions: Extensions,
    inbound: Inbound,
    open: Option<Open>,
}

impl<D: Database, I: ImagesBackend, C: Clock, E: Entropy, T: Timer> Ingest<D, I, C, E, T> {
    /// A call whose caller may write annotations.
    ///
    /// # Errors
    /// It may not, or there are too many streams.
    pub(crate) fn begin(
        service: AnnotationsService<D, I, C, E, T>,
        metadata: MetadataMap,
        extensions: Extensions,
        messages: Streaming<pb::IngestAnnotationsRequest>,
    ) -> Result<Self> {
        let caller = identity::caller(&extensions, Scope::AnnotationsWrite)?.clone();
        let share = service.budget.open(caller.user_id())?;
        let inbound = Inbound::new(caller, messages, share);
        Ok(Self { service, metadata, extensions, inbound, open: None })
    }

    /// The answers.
    pub(crate) fn answers(self) -> impl Stream<Item = Result<pb::IngestAnnotationsResponse, Status>> {
        let groups = stream::try_unfold(self, Self::step);
        groups.map_ok(|answers| stream::iter(answers).map(Ok::<_, Error>)).try_flatten().map_err(Status::from)
    }

    /// Takes in what waits, stores it, and answers how far the stream has come.
    async fn step(mut self) -> Result<Option<(Vec<pb::IngestAnnotationsResponse>, Self)>> {
        let AnnotationsService { ports, drain, .. } = &self.service;
        let Some(first) = self.inbound.take(&ports.clock, &ports.timer, drain).await? else {
            return Ok(None);
        };
        let call = Call::begin(&ports.database, &self.metadata, &self.extensions, Scope::AnnotationsWrite)?;
        let mut open = match self.open.take() {
            Some(open) => open.still(&first.stream_id)?,
            None => self.service.open_stream(&call, StreamId::parse(first.stream_id)?).await?,
        };
        let mut batch = Batch::decode(first.offset, first.annotations)?;
        self.inbound.fill(&mut batch, &open)?;
        let accepted = self.service.accept(&call, &mut open, batch).await?;
        self.open = Some(open);
        Ok(Some((told(accepted), self)))
    }
}

/// Mostly one answer. What is not told in it yet is not acknowledged by it either.
fn told(accepted: Accepted) -> Vec<pb::IngestAnnotationsResponse> {
    let Accepted { next_offset, mut invalid } = accepted;
    let mut answers = Vec::new();
    while invalid.len() > TOLD_AT_ONCE {
        let rest = invalid.split_off(TOLD_AT_ONCE);
        let told = std::mem::replace(&mut invalid, rest);
        let untold = invalid.first().map_or(next_offset, |first| first.offset);
        answers.push(pb::IngestAnnotationsResponse { next_offset: untold, invalid: told });
    }
    answers.push(pb::IngestAnnotationsResponse { next_offset, invalid });
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_tells_so_many_rules_and_acknowledges_no_more_than_it_tells() {
        let at = |offset| pb::InvalidAnnotation { offset, ..Default::default() };
        let invalid: Vec<_> = (0..30_000).map(|n| at(n / 2)).collect();
        let answers = told(Accepted { next_offset: 15_000, invalid });
        let shapes: Vec<_> =
            answers.iter().map(|answer| (answer.next_offset, answer.invalid.len())).collect();
        assert_eq!(shapes, [(10_000, 20_000), (15_000, 10_000)]);
    }
}
