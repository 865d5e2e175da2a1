//! What a producer sends, message by message.

use std::{pin::pin, time::Duration};

use aip::Violation;
use futures_util::{
    FutureExt as _,
    future::{Either, select},
};
use identity::Caller;
use proto::annotations::v1 as pb;
use storage::{Clock, Timer};
use tonic::{Status, Streaming};

use super::{Batch, Open, budget::Share};
use crate::{
    Drain,
    error::{Error, Result},
};

/// From how many boxes on a group takes no further message.
const GROUP: usize = 5_000;

/// How long a producer may be silent. It is less than the minute after which a port gives a request up that stands still.
const IDLE: Duration = Duration::from_secs(50);

/// What a producer does whose token has expired.
const RESUME: &str = "Open the stream again with a new token: it resumes at `next_offset`.";

/// The producer's side of a call.
pub(super) struct Inbound {
    caller: Caller,
    messages: Streaming<pb::IngestAnnotationsRequest>,
    /// Taken in, but no part of the group before it.
    next: Option<Result<pb::IngestAnnotationsRequest, Status>>,
    share: Share,
}

impl Inbound {
    pub(super) const fn new(
        caller: Caller,
        messages: Streaming<pb::IngestAnnotationsRequest>,
        share: Share,
    ) -> Self {
        Self { caller, messages, next: None, share }
    }

    /// The next message; `None` when the producer has ended.
    ///
    /// # Errors
    /// The producer broke off or is silent for too long, its token has expired, the host stops, or the server holds too
    /// much.
    pub(super) async fn take(
        &mut self,
        clock: &impl Clock,
        timer: &impl Timer,
        drain: &Drain,
    ) -> Result<Option<pb::IngestAnnotationsRequest>> {
        self.share.release();
        let next = loop {
            let patience = self.caller.remaining(clock.now()).min(IDLE);
            if patience.is_zero() {
                return Err(Error::TokenExpired(RESUME));
            }
            if let Some(message) = self.next.take() {
                break message.map(Some);
            }
            let stop = pin!(drain.begun());
            let timeout = pin!(timer.sleep(patience));
            // The message comes last: a producer that never pauses is stopped too.
            match select(select(stop, timeout), pin!(self.messages.message())).await {
                Either::Left((Either::Left(_), _)) => return Err(Error::Stopping),
                Either::Left((Either::Right(_), _)) if patience == IDLE => return Err(Error::Idle(IDLE)),
                // Whether the token has expired, the clock says.
                Either::Left((Either::Right(_), _)) => {}
                Either::Right((message, _)) => break message,
            }
        };
        let next = next.map_err(Error::Producer)?;
        if let Some(message) = &next {
            self.share.hold(&message.annotations)?;
        }
        Ok(next)
    }

    /// Adds to `batch` what waits and goes on where it ends, until that makes a group.
    ///
    /// # Errors
    /// What waits breaks a rule, or the server holds too much.
    pub(super) fn fill(&mut self, batch: &mut Batch, open: &Open) -> Result<()> {
        while batch.messages.len() < GROUP && self.joins(batch, open)? {}
        Ok(())
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
        self.share.hold(&message.annotations)?;
        open.require(&message.stream_id)?;
        batch.messages.extend(Batch::decode(message.offset, message.annotations)?.messages);
        Ok(true)
    }
}

impl Open {
    pub(super) fn still(self, stream_id: &str) -> Result<Self> {
        self.require(stream_id).map(|()| self)
    }

    fn require(&self, stream_id: &str) -> Result<()> {
        if stream_id.is_empty() || stream_id == self.stream_id.as_str() {
            return Ok(());
        }
        Err(Violation::new("stream_id", "must be that of the first message, or absent").into())
    }
}
