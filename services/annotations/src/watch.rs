//! One watcher's call: an image's boxes, then each change as it is committed.

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
use storage::{Bookmark, Clock, Database, Entropy, Instant, Timer};
use tonic::{Status, metadata::MetadataMap};

pub(crate) use self::{
    cursor::{Begin, Cursor},
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
    owners::ImagesBackend,
    quota::Use,
    repo::{
        self,
        history::{self, Change, Position, What},
    },
    service::not_found,
};

/// After how much silence a watcher is told that nothing has changed: sooner than proxies give a connection up.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a watcher does whose token has expired.
const RESUME: &str = "Watch again with a new token and the last `resume_token`.";

/// A call of `WatchAnnotations`.
pub(crate) struct Watch<D: Database, I, C: Clock, E, T: Timer> {
    service: AnnotationsService<D, I, C, E, T>,
    caller: Caller,
    _use: Use,
    feed: Arc<Feed<D, C, T>>,
    image_id: ImageId,
    /// How far its caller has seen by its own word.
    at_least: Option<Bookmark>,
    /// How far the watcher has come with the last message; what is pending is ahead of it.
    cursor: Cursor,
    pending: Pending,
    /// Whether what the watcher knows has become invalid, and it was not told so yet.
    owes_reset: bool,
    /// Once the watcher has come close to the end of the history.
    subscription: Option<Subscription<D, C, T>>,
    /// Whether the database has changes that the feed does not have.
    is_behind: bool,
    told_at: Instant,
    is_current: bool,
    ends_at: Instant,
}

impl<D: Database, I: ImagesBackend, C: Clock, E: Entropy, T: Timer> Watch<D, I, C, E, T> {
    /// A call whose caller may read the image's annotations.
    ///
    /// # Errors
    /// It may not, there is no such image, or there are too many watches.
    pub(crate) async fn begin(
        service: AnnotationsService<D, I, C, E, T>,
        metadata: &MetadataMap,
        extensions: &Extensions,
        (image_id, begin): (ImageId, Begin),
    ) -> Result<Self> {
        let call = Call::begin(&service.ports.database, metadata, extensions, Scope::AnnotationsRead)?;
        let watches = service.watches.of(call.caller.user_id()).with(1)?;
        service.require_image(&call, image_id).await?;
        if !repo::is_visible(&call.session, image_id).await? {
            return Err(not_found(image_id));
        }
        let feed = service.feed();
        feed.advance(call.session.confirmed());
        let at_least = call.session.bookmark();
        let now = service.ports.clock.instant();
        let ends_at = now.plus(service.settings.longest_watch);
        let (subscription, is_behind, is_current) = (None, true, false);
        let caller = call.caller.clone();
        drop(call);
        let (cursor, owes_reset) = match begin {
            Begin::At(cursor) => (cursor, false),
            Begin::Anew => (Cursor::default(), true),
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
            owes_reset,
            subscription,
            is_behind,
            told_at: now,
            is_current,
            ends_at,
        })
    }

    /// What the watcher is told.
    pub(crate) fn answers(self) -> impl Stream<Item = Result<pb::WatchAnnotationsResponse, Status>> {
        stream::try_unfold(self, Self::step).map_err(Status::from)
    }

    /// Waits until there is something to tell, or the call has lasted long enough.
    async fn step(mut self) -> Result<Option<(pb::WatchAnnotationsResponse, Self)>> {
        while self.now() < self.ends_at && !self.service.drain.has_begun() {
            if self.remaining().is_zero() {
                return Err(Error::TokenExpired(RESUME));
            }
            if let Some(event) = self.next().await? {
                self.told_at = self.now();
                let message = self.message(event);
                return Ok(Some((message, self)));
            }
        }
        Ok(None)
    }

    /// The next event, if there is one by now.
    async fn next(&mut self) -> Result<Option<Event>> {
        if std::mem::take(&mut self.owes_reset) {
            return Ok(Some(self.reset()));
        }
        if let Some(event) = self.pending.next(&mut self.cursor) {
            return Ok(Some(event));
        }
        match self.cursor.position {
            None => self.snapshot().await?,
            Some(position) if self.is_behind => self.catch_up(position).await?,
            Some(position) => return self.live(position).await,
        }
        Ok(None)
    }

    /// Reads the next page of the image's boxes, after what is known of them.
    async fn snapshot(&mut self) -> Result<()> {
        let session = self.feed.session(self.at_least.as_ref());
        let known = (self.cursor.seen.last(), self.cursor.anchor);
        let read = history::snapshot(&session, self.image_id, known, PAGE).await?;
        self.feed.advance(session.confirmed());
        if !read.is_visible {
            return Err(not_found(self.image_id));
        }
        if !read.is_same_log {
            self.owes_reset = true;
            return Ok(());
        }
        self.cursor.anchor = read.newest;
        let is_last = read.annotations.len() < PAGE;
        let (page, newest) = (read.annotations.into_iter(), history::seq_of(read.newest));
        self.pending = Pending::Snapshot { page, newest, is_last };
        Ok(())
    }

    /// Reads changes that the feed does not have from the database.
    async fn catch_up(&mut self, position: Position) -> Result<()> {
        // Ahead of the read: if the feed finds another log meanwhile, the watcher asks again.
        let log = self.feed.log();
        let session = self.feed.session(self.at_least.as_ref());
        let from = (position, self.cursor.anchor);
        let part = history::changes(&session, &[self.image_id], from, PAGE).await?;
        self.feed.advance(session.confirmed());
        let is_trimmed = part.oldest.is_some_and(|oldest| position.seq < oldest);
        if !part.is_same_log || is_trimmed || position > Position::behind(history::seq_of(part.newest)) {
            self.owes_reset = true;
            return Ok(());
        }
        self.is_behind = part.has_more;
        let head = Head { next: part.next, anchor: part.newest };
        if !part.has_more {
            match &mut self.subscription {
                Some(subscription) => subscription.rejoin((head, log)),
                None => self.subscription = Some(self.feed.subscribe(self.image_id, (head, log))),
            }
        }
        self.tell(part.changes.into_iter().map(Arc::new).collect(), head).await
    }

    /// Begins anew.
    fn reset(&mut self) -> Event {
        (self.cursor, self.pending) = (Cursor::default(), Pending::Nothing);
        (self.subscription, self.is_behind, self.is_current) = (None, true, false);
        Event::Reset(pb::Reset {})
    }

    /// Takes what the feed has; if that is nothing, waits for news until it is time to say so.
    async fn live(&mut self, position: Position) -> Result<Option<Event>> {
        let Some(subscription) = &self.subscription else {
            self.is_behind = true;
            return Ok(None);
        };
        let news = subscription.listen();
        match subscription.recent(position) {
            Recent::Missed => {
                self.is_behind = true;
                return Ok(None);
            }
            Recent::Known { changes, head } if changes.is_empty() => self.cursor.read_up_to(head),
            Recent::Known { changes, head } => return self.tell(changes, head).await.map(|()| None),
            Recent::Unread => {}
        }
        let heartbeat_at = self.told_at.plus(HEARTBEAT);
        if !self.is_current || self.now() >= heartbeat_at {
            self.is_current = true;
            return Ok(Some(Event::Current(pb::Current {})));
        }
        let patience = heartbeat_at.min(self.ends_at).since(self.now()).min(self.remaining());
        let news = subscription.wait(news, patience);
        match select(pin!(news), pin!(self.service.drain.begun())).await {
            Either::Left((read, _)) => read?,
            Either::Right(((), _)) => {}
        }
        Ok(None)
    }

    /// Queues the changes that are new to the subscriber.
    ///
    /// # Errors
    /// The image was deleted.
    async fn tell(&mut self, changes: Vec<Arc<Change>>, head: Head) -> Result<()> {
        let may_be_deleted = changes.iter().any(|change| matches!(change.what, What::Visibility));
        if may_be_deleted {
            let session = self.feed.session(self.at_least.as_ref());
            if !repo::is_visible(&session, self.image_id).await? {
                return Err(not_found(self.image_id));
            }
        }
        self.cursor.anchor = head.anchor;
        self.pending = Pending::Changes { changes: changes.into_iter(), next: head.next };
        Ok(())
    }

    /// An event, and where to go on after it.
    fn message(&self, event: Event) -> pb::WatchAnnotationsResponse {
        let token = self.cursor.token(self.image_id, &self.service.tokens.watch);
        pb::WatchAnnotationsResponse {
            event: Some(event),
            resume_token: token.map(Into::into).unwrap_or_default(),
        }
    }

    fn now(&self) -> Instant {
        self.service.ports.clock.instant()
    }

    /// For how long the caller's token is still accepted: an expiry is a moment of the machine's time.
    fn remaining(&self) -> Duration {
        self.caller.remaining(self.service.ports.clock.now())
    }
}
