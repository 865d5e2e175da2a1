//! One producer's call: messages in, acknowledgements out, at the pace of the database.
//!
//! Nothing runs beside the answer's stream: who does not read acknowledgements stops it, and with it the reading of
//! messages, which HTTP/2 makes the producer feel. What is in memory is one group, and what HTTP/2 has let in.

use aip::Violation;
use futures_util::{FutureExt as _, Stream, TryStreamExt as _, stream};
use http::Extensions;
use identity::Scope;
use proto::annotations::v1 as pb;
use storage::{Clock, Database, Entropy, Timer};
use tonic::{Status, Streaming, metadata::MetadataMap};

use super::{Batch, Open, StreamId};
use crate::{
    AnnotationsService,
    call::Call,
    error::{Error, Result},
    owners::ImagesBackend,
};

/// From how many boxes on a group takes no further message.
const GROUP: usize = 5_000;

/// A call of `IngestAnnotations`.
pub(crate) struct Ingest<D, I, C, E, T> {
    service: AnnotationsService<D, I, C, E, T>,
    metadata: MetadataMap,
    extensions: Extensions,
    inbound: Inbound,
    open: Option<Open>,
}

/// What the producer sends.
struct Inbound {
    messages: Streaming<pb::IngestAnnotationsRequest>,
    /// Taken in, but no part of the group before it.
    next: Option<Result<pb::IngestAnnotationsRequest, Status>>,
}

impl<D: Database, I: ImagesBackend, C: Clock, E: Entropy, T: Timer> Ingest<D, I, C, E, T> {
    /// A call whose caller may write annotations.
    ///
    /// # Errors
    /// It may not.
    pub(crate) fn begin(
        service: AnnotationsService<D, I, C, E, T>,
        metadata: MetadataMap,
        extensions: Extensions,
        messages: Streaming<pb::IngestAnnotationsRequest>,
    ) -> Result<Self> {
        identity::caller(&extensions, Scope::AnnotationsWrite)?;
        Ok(Self { service, metadata, extensions, inbound: Inbound { messages, next: None }, open: None })
    }

    /// The answers.
    pub(crate) fn answers(self) -> impl Stream<Item = Result<pb::IngestAnnotationsResponse, Status>> {
        stream::try_unfold(self, Self::step).map_err(Status::from)
    }

    /// Takes in what waits, stores it, and answers how far the stream has come.
    async fn step(mut self) -> Result<Option<(pb::IngestAnnotationsResponse, Self)>> {
        let Some(first) = self.inbound.take().await? else { return Ok(None) };
        let call = Call::begin(
            &self.service.ports.database,
            &self.metadata,
            &self.extensions,
            Scope::AnnotationsWrite,
        )?;
        let mut open = match self.open.take() {
            Some(open) => open.still(&first.stream_id)?,
            None => self.service.open_stream(&call, StreamId::parse(first.stream_id)?).await?,
        };
        let mut batch = Batch::decode(first.offset, first.annotations)?;
        while batch.messages.len() < GROUP && self.inbound.joins(&mut batch, &open)? {}
        let accepted = self.service.accept(&call, &mut open, batch).await?;
        self.open = Some(open);
        let answer =
            pb::IngestAnnotationsResponse { next_offset: accepted.next_offset, invalid: accepted.invalid };
        Ok(Some((answer, self)))
    }
}

impl Inbound {
    /// The next message; `None` when the producer has ended.
    async fn take(&mut self) -> Result<Option<pb::IngestAnnotationsRequest>> {
        let next = match self.next.take() {
            Some(message) => message.map(Some),
            None => self.messages.message().await,
        };
        next.map_err(Error::Producer)
    }

    /// Whether a message waits that goes on where `batch` ends; if so, it does now.
    fn joins(&mut self, batch: &mut Batch, open: &Open) -> Result<bool> {
        let message = match self.messages.message().now_or_never() {
            // Its end comes again.
            None | Some(Ok(None)) => return Ok(false),
            Some(Ok(Some(message))) if batch.ends_at(message.offset) => message,
            Some(Ok(Some(other))) => {
                self.next = Some(Ok(other));
                return Ok(false);
            }
            Some(Err(status)) => {
                self.next = Some(Err(status));
                return Ok(false);
            }
        };
        open.require(&message.stream_id)?;
        batch.messages.extend(Batch::decode(message.offset, message.annotations)?.messages);
        Ok(true)
    }
}

impl Open {
    fn still(self, stream_id: &str) -> Result<Self> {
        self.require(stream_id).map(|()| self)
    }

    fn require(&self, stream_id: &str) -> Result<()> {
        if stream_id.is_empty() || stream_id == self.stream_id.as_str() {
            return Ok(());
        }
        Err(Violation::new("stream_id", "must be that of the first message, or absent").into())
    }
}
