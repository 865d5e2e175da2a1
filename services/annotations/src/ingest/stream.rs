//! One call of `IngestAnnotations`: reads messages, stores them, and sends acknowledgements.
//!
//! There is no background task: the response stream does all the work when it is polled. If the producer does not read
//! acknowledgements, the server stops reading messages, and HTTP/2 flow control stops the producer. Memory holds one group of
//! messages, the message after it, and what HTTP/2 has buffered.

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http::Extensions;
use identity::Scope;
use proto::annotations::v1 as pb;
use storage::Bookmark;
use tonic::{Status, Streaming, metadata::MetadataMap};

use super::{Accepted, Batch, Open, inbound::Inbound};
use crate::{
    AnnotationsService,
    annotation::StreamId,
    call::Call,
    error::{Error, Result},
    host::Host,
};

/// The maximum number of violations in one response, so that it stays below the usual 4 MiB limit of clients for a message.
const MAX_INVALID: usize = 20_000;

/// A call of `IngestAnnotations`.
pub(crate) struct Ingest<H: Host> {
    service: AnnotationsService<H>,
    metadata: MetadataMap,
    extensions: Extensions,
    inbound: Inbound,
    open: Option<Open>,
    /// The newest bookmark of the previous group, so that the next group's reads see what this call has stored.
    bookmark: Option<Bookmark>,
}

impl<H: Host> Ingest<H> {
    /// Begins a call.
    ///
    /// # Errors
    /// The caller may not write annotations, or too many streams are open.
    pub(crate) fn begin(
        service: AnnotationsService<H>,
        metadata: MetadataMap,
        extensions: Extensions,
        messages: Streaming<pb::IngestAnnotationsRequest>,
    ) -> Result<Self> {
        let caller = identity::caller(&extensions, Scope::AnnotationsWrite)?.clone();
        let share = service.budget.open(caller.user_id())?;
        let inbound = Inbound::new(caller, messages, share);
        Ok(Self { service, metadata, extensions, inbound, open: None, bookmark: None })
    }

    /// The stream of responses.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<pb::IngestAnnotationsResponse, Status>> {
        let groups = stream::try_unfold(self, Self::step);
        groups.map_ok(|group| stream::iter(group).map(Ok::<_, Error>)).try_flatten().map_err(Status::from)
    }

    /// Reads the waiting messages, stores them, and returns the responses.
    async fn step(mut self) -> Result<Option<(Vec<pb::IngestAnnotationsResponse>, Self)>> {
        let AnnotationsService { ports, drain, .. } = &self.service;
        let Some(first) = self.inbound.receive(&ports.clock, &ports.timer, drain).await? else {
            return Ok(None);
        };
        let call = Call::begin(&ports.database, &self.metadata, &self.extensions, Scope::AnnotationsWrite)?
            .continued_at(&ports.database, self.bookmark.take());
        let mut open = match self.open.take() {
            Some(open) => open.continued(&first.stream_id)?,
            None => self.service.open_stream(&call, StreamId::parse(first.stream_id)?).await?,
        };
        let mut batch = Batch::decode(first.offset, first.annotations)?;
        self.inbound.fill(&mut batch, &open)?;
        let accepted = self.service.accept(&call, &mut open, batch).await?;
        self.bookmark = call.session.bookmark();
        self.open = Some(open);
        Ok(Some((encode_responses(accepted), self)))
    }
}

/// Encodes the result of a batch, usually as one response. If it has more than [`MAX_INVALID`] violations, each response but
/// the last acknowledges only what is below the first violation that it does not report.
fn encode_responses(accepted: Accepted) -> Vec<pb::IngestAnnotationsResponse> {
    let Accepted { next_offset, mut invalid } = accepted;
    let mut responses = Vec::new();
    while invalid.len() > MAX_INVALID {
        let rest = invalid.split_off(MAX_INVALID);
        let reported = std::mem::replace(&mut invalid, rest);
        let unreported_from = invalid.first().map_or(next_offset, |first| first.offset);
        responses.push(pb::IngestAnnotationsResponse { next_offset: unreported_from, invalid: reported });
    }
    responses.push(pb::IngestAnnotationsResponse { next_offset, invalid });
    responses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_with_the_maximum_of_violations_acknowledges_no_more_than_it_reports() {
        let at = |offset| pb::InvalidAnnotation { offset, ..Default::default() };
        let invalid: Vec<_> = (0..30_000).map(|n| at(n / 2)).collect();
        let responses = encode_responses(Accepted { next_offset: 15_000, invalid });
        let shapes: Vec<_> =
            responses.iter().map(|response| (response.next_offset, response.invalid.len())).collect();
        assert_eq!(shapes, [(10_000, 20_000), (15_000, 10_000)]);
    }
}
