//! One watcher's call: an image's boxes, then each change as it is committed.

mod cursor;
mod feed;
mod seen;

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{
    Stream, StreamExt as _, TryStreamExt as _,
    future::{Either, select},
    stream,
};
use http::Extensions;
use identity::Scope;
use proto::annotations::v1::{self as pb, watch_annotations_response::Event};
use storage::{Clock, Database, Entropy, Instant, Timer};
use tonic::{Status, metadata::MetadataMap};

use self::feed::{PAGE, Recent, Subscription};
pub(crate) use self::{cursor::Cursor, feed::Feed};
use crate::{
    AnnotationsService,
    annotation::ImageId,
    call::Call,
    error::{Error, Result},
    owners::ImagesBackend,
    repo::history::{self, Change, Position, What},
};

/// After how much silence a watcher is told that nothing has changed: sooner than proxies give a connection up.
const HEARTBEAT: Duration = Duration::from_secs(15);

type Messages = Vec<pb::WatchAnnotationsResponse>;

/// A call of `WatchAnnotations`.
pub(crate) struct Watch<D: Database, I, C: Clock, E, T: Timer> {
    service: AnnotationsService<D, I, C, E, T>,
    metadata: MetadataMap,
    extensions: Extensions,
    feed: Arc<Feed<D, C, T>>,
    image_id: ImageId,
    cursor: Cursor,
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
    /// It may not, there is no such image, or the token is none of this image's.
    pub(crate) async fn begin(
        service: AnnotationsService<D, I, C, E, T>,
        metadata: MetadataMap,
        extensions: Extensions,
        (image_id, cursor): (ImageId, Cursor),
    ) -> Result<Self> {
        let call = Call::begin(&service.ports.database, &metadata, &extensions, Scope::AnnotationsRead)?;
        service.require_image(&call, image_id).await?;
        let feed = service.feed();
        feed.advance(call.session.bookmark());
        let now = service.ports.clock.instant();
        let ends_at = now.plus(service.settings.longest_watch);
        let (subscription, is_behind, is_current) = (None, true, false);
        drop(call);
        Ok(Self {
            service,
            metadata,
            extensions,
            feed,
            image_id,
            cursor,
            subscription,
            is_behind,
            told_at: now,
            is_current,
            ends_at,
        })
    }

    /// What the watcher is told.
    pub(crate) fn answers(self) -> impl Stream<Item = Result<pb::WatchAnnotationsResponse, Status>> {
        let parts = stream::try_unfold(self, Self::step);
        parts
            .map_ok(|messages| stream::iter(messages).map(Ok::<_, Error>))
            .try_flatten()
            .map_err(Status::from)
    }

    /// Waits until there is something to tell, or the call has lasted long enough.
    async fn step(mut self) -> Result<Option<(Messages, Self)>> {
        while self.now() < self.ends_at && !self.service.drain.has_begun() {
            let messages = match self.cursor.position {
                None => self.snapshot().await?,
                Some(position) if self.is_behind => self.catch_up(position).await?,
                Some(position) => self.live(position).await?,
            };
            if !messages.is_empty() {
                self.told_at = self.now();
                return Ok(Some((messages, self)));
            }
        }
        Ok(None)
    }

    /// The next page of the image's boxes, after what is known of them.
    async fn snapshot(&mut self) -> Result<Messages> {
        let session = self.feed.session();
        let after = self.cursor.seen.last();
        let (page, newest) = history::snapshot(&session, self.image_id, after, PAGE).await?;
        self.feed.advance(session.bookmark());
        let is_last = page.len() < PAGE;
        let mut messages = Messages::with_capacity(page.len());
        for annotation in page {
            self.cursor.seen.tell(annotation.id, newest);
            messages.push(self.message(Event::Changed(Box::new(annotation.into()))));
        }
        if is_last {
            self.cursor.position = Some(self.cursor.seen.end(newest));
        }
        Ok(messages)
    }

    /// Changes that the feed does not have, from the database.
    async fn catch_up(&mut self, position: Position) -> Result<Messages> {
        let session = self.feed.session();
        let part = history::changes(&session, &[self.image_id], position, PAGE).await?;
        self.feed.advance(session.bookmark());
        let is_trimmed = part.oldest.is_some_and(|oldest| position.seq < oldest);
        if is_trimmed || position > Position::behind(part.newest) {
            return Ok(self.reset());
        }
        self.is_behind = part.has_more;
        if !part.has_more && self.subscription.is_none() {
            self.subscription = Some(self.feed.subscribe(self.image_id, part.next)?);
        }
        self.tell(part.changes.iter(), part.next).await
    }

    /// Begins anew.
    fn reset(&mut self) -> Messages {
        self.cursor = Cursor::default();
        (self.subscription, self.is_behind, self.is_current) = (None, true, false);
        vec![self.message(Event::Reset(pb::Reset {}))]
    }

    /// What the feed has; if that is nothing, waits for news until it is time to say so.
    async fn live(&mut self, position: Position) -> Result<Messages> {
        let Some(subscription) = &self.subscription else {
            self.is_behind = true;
            return Ok(Messages::new());
        };
        let news = subscription.listen();
        match subscription.recent(position) {
            Recent::Missed => {
                self.is_behind = true;
                return Ok(Messages::new());
            }
            Recent::Known { changes, next } if changes.is_empty() => self.cursor.go_on(next),
            Recent::Known { changes, next } => {
                return self.tell(changes.iter().map(|change| &**change), next).await;
            }
            Recent::Unread => {}
        }
        let heartbeat_at = self.told_at.plus(HEARTBEAT);
        if !self.is_current || self.now() >= heartbeat_at {
            self.is_current = true;
            return Ok(vec![self.message(Event::Current(pb::Current {}))]);
        }
        let patience = heartbeat_at.min(self.ends_at).since(self.now());
        let news = subscription.wait(news, patience);
        match select(pin!(news), pin!(self.service.drain.begun())).await {
            Either::Left((read, _)) => read?,
            Either::Right(((), _)) => {}
        }
        Ok(Messages::new())
    }

    /// Tells the changes that are news, as long as the image is there for the caller.
    async fn tell(&mut self, changes: impl Iterator<Item = &Change>, next: Position) -> Result<Messages> {
        let mut messages = Messages::new();
        for change in changes {
            let is_news = !self.cursor.seen.shows(change);
            self.cursor.go_on(Position::behind_change(change));
            if is_news {
                messages.push(self.message(event_of(change)));
            }
        }
        if !messages.is_empty() {
            let call = Call::begin(
                &self.service.ports.database,
                &self.metadata,
                &self.extensions,
                Scope::AnnotationsRead,
            )?;
            self.service.require_image(&call, self.image_id).await?;
        }
        self.cursor.go_on(next);
        Ok(messages)
    }

    /// What is told, and where to go on after it.
    fn message(&self, event: Event) -> pb::WatchAnnotationsResponse {
        pb::WatchAnnotationsResponse { event: Some(event), resume_token: self.cursor.token(self.image_id) }
    }

    fn now(&self) -> Instant {
        self.service.ports.clock.instant()
    }
}

fn event_of(change: &Change) -> Event {
    match &change.what {
        What::Changed(annotation) => Event::Changed(Box::new(annotation.clone().into())),
        What::Removed(id) => Event::Removed(pb::Removed { id: id.to_string() }),
    }
}
