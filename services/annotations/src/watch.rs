//! One call of `WatchAnnotations`: sends an image's annotations, then each change as it is committed.
//!
//! The states of a call: *snapshot* (`read_snapshot`), *catch up* with the change log (`catch_up`), and *live*
//! (`wait_for_changes`). docs/watch.md describes them and the resume token.

mod cursor;
mod feed;
mod pending;
mod seen;

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{
    Stream, TryStreamExt as _,
    future::{Either, select},
    stream,
};
use http::Extensions;
use identity::{Caller, Scope};
use proto::annotations::v1::{self as pb, watch_annotations_response::Event};
use runtime::{Clock, Instant};
use storage::Bookmark;
use tonic::{Status, metadata::MetadataMap};

pub(crate) use self::{
    cursor::{Cursor, WatchStart},
    feed::Feed,
};
use self::{
    feed::{Head, PAGE, Recent, Subscription},
    pending::Pending,
};
use crate::{
    AnnotationsService,
    annotation::ImageId,
    call::Call,
    error::{Error, Result},
    host::Host,
    quota::{Resource, Use},
    repo::{
        self,
        change_log::{self, Change, ChangeKind, Position},
    },
    service::image_not_found,
};

/// After this time without a message, the watcher is sent `current`. It is shorter than the idle timeouts of proxies.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a watcher does after its token has expired.
const HOW_TO_RESUME: &str = "Watch again with a new token and the last `resume_token`.";

/// A call of `WatchAnnotations`.
pub(crate) struct Watch<H: Host> {
    service: AnnotationsService<H>,
    caller: Caller,
    _use: Use,
    feed: Arc<Feed<H::Database, H::Clock, H::Timer>>,
    image_id: ImageId,
    /// The bookmark of the request. A caller can make one up, so it is used for this call's reads only.
    at_least: Option<Bookmark>,
    /// The position after the last message that was sent; `pending` continues from there.
    cursor: Cursor,
    pending: Pending,
    /// Whether what the watcher knows is invalid, and `reset` must be sent next.
    must_reset: bool,
    /// Set once the watcher has caught up with the change log.
    subscription: Option<Subscription<H::Database, H::Clock, H::Timer>>,
    /// Whether the watcher needs changes from the database that the feed does not have.
    is_behind: bool,
    sent_at: Instant,
    /// Whether `current` was sent since the call began or was reset.
    is_current: bool,
    ends_at: Instant,
}

impl<H: Host> Watch<H> {
    /// Begins a call.
    ///
    /// # Errors
    /// The caller may not read annotations, the image does not exist for it, or too many watches are open.
    pub(crate) async fn begin(
        service: AnnotationsService<H>,
        metadata: &MetadataMap,
        extensions: &Extensions,
        (image_id, start): (ImageId, WatchStart),
    ) -> Result<Self> {
        let call = Call::begin(&service.ports.database, metadata, extensions, Scope::AnnotationsRead)?;
        let watches = service.watches.of(call.caller.user_id().clone()).with(1);
        let watches = watches.map_err(|exceeded| Error::Exceeded(Resource::Watches, exceeded))?;
        service.require_image(&call, image_id).await?;
        if !repo::is_visible(&call.session, image_id).await? {
            return Err(image_not_found(image_id));
        }
        let feed = service.feed();
        feed.advance(call.session.confirmed());
        let at_least = call.session.bookmark();
        let now = service.ports.clock.instant();
        let ends_at = now.plus(service.settings.max_watch_duration);
        let (subscription, is_behind, is_current) = (None, true, false);
        let caller = call.caller.clone();
        drop(call);
        let (cursor, must_reset) = match start {
            WatchStart::At(cursor) => (cursor, false),
            WatchStart::Reset => (Cursor::default(), true),
        };
        Ok(Self {
            service,
            caller,
            _use: watches,
            feed,
            image_id,
            at_least,
            cursor,
            pending: Pending::Nothing,
            must_reset,
            subscription,
            is_behind,
            sent_at: now,
            is_current,
            ends_at,
        })
    }

    /// The stream of messages to the watcher.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<pb::WatchAnnotationsResponse, Status>> {
        stream::try_unfold(self, Self::step).map_err(Status::from)
    }

    /// Waits for the next message; `None` if the call has reached its maximum duration or the host shuts down.
    async fn step(mut self) -> Result<Option<(pb::WatchAnnotationsResponse, Self)>> {
        while self.now() < self.ends_at && !self.service.drain.has_begun() {
            if self.remaining().is_zero() {
                return Err(Error::TokenExpired(HOW_TO_RESUME));
            }
            if let Some(event) = self.next().await? {
                self.sent_at = self.now();
                let message = self.to_message(event);
                return Ok(Some((message, self)));
            }
        }
        Ok(None)
    }

    /// Does the next piece of work. Returns an event if that produced one.
    async fn next(&mut self) -> Result<Option<Event>> {
        if std::mem::take(&mut self.must_reset) {
            return Ok(Some(self.reset()));
        }
        if let Some(event) = self.pending.next(&mut self.cursor) {
            return Ok(Some(event));
        }
        match self.cursor.position {
            None => self.read_snapshot().await?,
            Some(position) if self.is_behind => self.catch_up(position).await?,
            Some(position) => return self.wait_for_changes(position).await,
        }
        Ok(None)
    }

    /// Reads the next page of the image's annotations, after those that were sent.
    async fn read_snapshot(&mut self) -> Result<()> {
        let session = self.feed.session(self.at_least.as_ref());
        let after = (self.cursor.seen.last(), self.cursor.anchor);
        let read = change_log::snapshot(&session, self.image_id, after, PAGE).await?;
        self.feed.advance(session.confirmed());
        if !read.is_visible {
            return Err(image_not_found(self.image_id));
        }
        if !read.is_same_log {
            self.must_reset = true;
            return Ok(());
        }
        self.cursor.anchor = read.newest;
        let is_last = read.annotations.len() < PAGE;
        let (page, newest) = (read.annotations.into_iter(), change_log::seq_of(read.newest));
        self.pending = Pending::Snapshot { page, newest, is_last };
        Ok(())
    }

    /// Reads changes that the feed does not have from the database.
    async fn catch_up(&mut self, position: Position) -> Result<()> {
        // Before the read: if the feed finds another log meanwhile, the watcher reads the database again.
        let generation = self.feed.generation();
        let session = self.feed.session(self.at_least.as_ref());
        let from = (position, self.cursor.anchor);
        let page = change_log::changes(&session, &[self.image_id], from, PAGE).await?;
        self.feed.advance(session.confirmed());
        let is_trimmed = page.oldest.is_some_and(|oldest| position.seq < oldest);
        if !page.is_same_log || is_trimmed || position > Position::after(change_log::seq_of(page.newest)) {
            self.must_reset = true;
            return Ok(());
        }
        self.is_behind = page.has_more;
        let head = Head { next: page.next, anchor: page.newest };
        if !page.has_more {
            match &mut self.subscription {
                Some(subscription) => subscription.rejoin((head, generation)),
                None => self.subscription = Some(self.feed.subscribe(self.image_id, (head, generation))),
            }
        }
        self.queue(page.changes.into_iter().map(Arc::new).collect(), head).await
    }

    /// Returns to the beginning of the snapshot, and returns the `reset` event.
    fn reset(&mut self) -> Event {
        (self.cursor, self.pending) = (Cursor::default(), Pending::Nothing);
        (self.subscription, self.is_behind, self.is_current) = (None, true, false);
        Event::Reset(pb::Reset {})
    }

    /// Queues the changes that the feed has. If it has none, returns `current` when that is due, or waits for a notification.
    async fn wait_for_changes(&mut self, position: Position) -> Result<Option<Event>> {
        let Some(subscription) = &self.subscription else {
            self.is_behind = true;
            return Ok(None);
        };
        let notification = subscription.listen();
        match subscription.recent(position) {
            Recent::Missed => {
                self.is_behind = true;
                return Ok(None);
            }
            Recent::Known { changes, head } if changes.is_empty() => self.cursor.move_to_head(head),
            Recent::Known { changes, head } => return self.queue(changes, head).await.map(|()| None),
            Recent::Unread => {}
        }
        let heartbeat_at = self.sent_at.plus(HEARTBEAT);
        if !self.is_current || self.now() >= heartbeat_at {
            self.is_current = true;
            return Ok(Some(Event::Current(pb::Current {})));
        }
        let max_wait = heartbeat_at.min(self.ends_at).since(self.now()).min(self.remaining());
        let wait = subscription.wait(notification, max_wait);
        match select(pin!(wait), pin!(self.service.drain.wait_for_begin())).await {
            Either::Left((read, _)) => read?,
            Either::Right(((), _)) => {}
        }
        Ok(None)
    }

    /// Queues changes for the watcher.
    ///
    /// # Errors
    /// The image was deleted.
    async fn queue(&mut self, changes: Vec<Arc<Change>>, head: Head) -> Result<()> {
        let may_be_deleted = changes.iter().any(|change| matches!(change.kind, ChangeKind::Visibility));
        if may_be_deleted {
            let session = self.feed.session(self.at_least.as_ref());
            if !repo::is_visible(&session, self.image_id).await? {
                return Err(image_not_found(self.image_id));
            }
        }
        self.cursor.anchor = head.anchor;
        self.pending = Pending::Changes { changes: changes.into_iter(), next: head.next };
        Ok(())
    }

    /// A message with `event` and the token that resumes after it.
    fn to_message(&self, event: Event) -> pb::WatchAnnotationsResponse {
        let token = self.cursor.token(self.image_id, &self.service.tokens.watch);
        pb::WatchAnnotationsResponse {
            event: Some(event),
            resume_token: token.map(Into::into).unwrap_or_default(),
        }
    }

    fn now(&self) -> Instant {
        self.service.ports.clock.instant()
    }

    /// The time until the caller's token expires, by the machine's wall clock.
    fn remaining(&self) -> Duration {
        self.caller.remaining(self.service.ports.clock.now())
    }
}
