//! Reads the messages of a producer, and groups those that wait.

use std::{pin::pin, time::Duration};

use aip::Violation;
use futures_util::{
    FutureExt as _,
    future::{Either, select},
};
use identity::Caller;
use proto::annotations::v1 as pb;
use runtime::{Clock, Timer};
use tonic::{Status, Streaming};

use super::{Batch, Open, budget::Share};
use crate::{
    Drain,
    error::{Error, Result},
};

/// A group with at least this many annotations accepts no further message.
const GROUP_SIZE: usize = 5_000;

/// How long a producer may send nothing. It is less than the minute after which a port aborts a request that makes no
/// progress.
const MAX_SILENCE: Duration = Duration::from_secs(50);

/// What a producer does after its token has expired.
const HOW_TO_RESUME: &str = "Open the stream again with a new token: it resumes at `next_offset`.";

/// The producer's side of a call.
pub(super) struct Inbound {
    caller: Caller,
    messages: Streaming<pb::IngestAnnotationsRequest>,
    /// A message, or an error, that was read after the previous group and is not part of it.
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

    /// Waits for the next message; `None` when the producer has ended its stream. The bytes of the previous group are released.
    ///
    /// # Errors
    /// The producer's stream failed or it sent nothing for too long, its token has expired, the host shuts down, or a limit for
    /// bytes would be exceeded.
    pub(super) async fn receive(
        &mut self,
        clock: &impl Clock,
        timer: &impl Timer,
        drain: &Drain,
    ) -> Result<Option<pb::IngestAnnotationsRequest>> {
        self.share.release();
        let next = loop {
            let max_wait = self.caller.remaining(clock.now()).min(MAX_SILENCE);
            if max_wait.is_zero() {
                return Err(Error::TokenExpired(HOW_TO_RESUME));
            }
            if let Some(message) = self.next.take() {
                break message.map(Some);
            }
            let stop = pin!(drain.wait_for_begin());
            let timeout = pin!(timer.sleep(max_wait));
            // The message is polled last, so that a producer that never pauses is stopped too.
            match select(select(stop, timeout), pin!(self.messages.message())).await {
                Either::Left((Either::Left(_), _)) => return Err(Error::Stopping),
                Either::Left((Either::Right(_), _)) if max_wait == MAX_SILENCE => {
                    return Err(Error::Idle(MAX_SILENCE));
                }
                // The next iteration checks whether the token has expired.
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

    /// Adds waiting messages to `batch` while they continue at its end, up to [`GROUP_SIZE`].
    ///
    /// # Errors
    /// A waiting message is invalid, or a limit for bytes would be exceeded.
    pub(super) fn fill(&mut self, batch: &mut Batch, open: &Open) -> Result<()> {
        while batch.messages.len() < GROUP_SIZE && self.add_waiting(batch, open)? {}
        Ok(())
    }

    /// Adds one waiting message to `batch` if it continues at its end. Returns whether it did.
    fn add_waiting(&mut self, batch: &mut Batch, open: &Open) -> Result<bool> {
        let message = match self.messages.message().now_or_never() {
            // `receive` sees the end of the stream again.
            None | Some(Ok(None)) => return Ok(false),
            Some(Ok(Some(message))) => message,
            Some(Err(status)) => {
                self.next = Some(Err(status));
                return Ok(false);
            }
        };
        // A message that the next group begins with is in memory, too, while this group is stored.
        self.share.hold(&message.annotations)?;
        if !batch.ends_at(message.offset) {
            self.next = Some(Ok(message));
            return Ok(false);
        }
        open.require_same(&message.stream_id)?;
        batch.messages.extend(Batch::decode(message.offset, message.annotations)?.messages);
        Ok(true)
    }
}

impl Open {
    /// Returns the stream if `stream_id`, the name in a later message, is absent or the same.
    pub(super) fn continued(self, stream_id: &str) -> Result<Self> {
        self.require_same(stream_id).map(|()| self)
    }

    fn require_same(&self, stream_id: &str) -> Result<()> {
        if stream_id.is_empty() || stream_id == self.stream_id.as_str() {
            return Ok(());
        }
        Err(Violation::new("stream_id", "must be that of the first message, or absent").into())
    }
}
