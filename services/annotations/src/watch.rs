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
use storage::{Clock, Database, Entropy, Timer, Timestamp};
use tonic::{Status, metadata::MetadataMap};

pub(crate) use self::{cursor::Cursor, feed::Feed};
use self::{
    feed::{PAGE, Recent, Subscription},
    seen::Seen,
};
use crate::{
    AnnotationsService,
    annotation::{Annotation, AnnotationId, ImageId},
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
    seen: Seen,
    /// Once the watcher has come close to the end of the history.
    subscription: Option<Subscription<D, C, T>>,
    /// Whether the database has changes that the feed does not have.
    is_behind: bool,
    told_at: Timestamp,
    is_current: bool,
    ends_at: Timestamp,
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
        let seen = match cursor {
            Cursor::Snapshot { after, since } => Seen::up_to(after, since),
            Cursor::Start | Cursor::Live(_) => Seen::default(),
        };
        let now = service.ports.clock.now();
        let ends_at = later(now, service.settings.longest_watch);
        let (subscription, is_behind, is_current) = (None, true, false);
        drop(call);
        Ok(Self {
            service,
            metadata,
            extensions,
            feed,
            image_id,
            cursor,
            seen,
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
            let messages = match self.cursor {
                Cursor::Start => self.snapshot(None).await?,
                Cursor::Snapshot { after, since } => self.snapshot(Some((after, since))).await?,
                Cursor::Live(position) if self.is_behind => self.catch_up(position).await?,
                Cursor::Live(position) => self.live(position).await?,
            };
            if !messages.is_empty() {
                self.told_at = self.now();
                return Ok(Some((messages, self)));
            }
        }
        Ok(None)
    }

    /// The next page of the image's boxes, after what is known of them.
    async fn snapshot(&mut self, known: Option<(AnnotationId, Position)>) -> Result<Messages> {
        let session = self.feed.session();
        let after = known.map(|(after, _)| after);
        let (page, newest) = history::snapshot(&session, self.image_id, after, PAGE).await?;
        self.feed.advance(session.bookmark());
        let since = known.map_or(Position::behind(newest), |(_, since)| since);
        let last = page.last().map(|annotation| annotation.id).filter(|_| page.len() >= PAGE);
        self.seen.page(last, newest);
        let image_id = self.image_id;
        let tell = |annotation: Annotation| {
            let cursor = Cursor::Snapshot { after: annotation.id, since };
            message(Event::Changed(Box::new(annotation.into())), cursor.token(image_id))
        };
        let messages = page.into_iter().map(tell).collect();
        self.cursor = last.map_or(Cursor::Live(since), |after| Cursor::Snapshot { after, since });
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
        (self.cursor, self.seen) = (Cursor::Start, Seen::default());
        (self.subscription, self.is_behind, self.is_current) = (None, true, false);
        vec![message(Event::Reset(pb::Reset {}), self.cursor.token(self.image_id))]
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
            Recent::Known { changes, next } if changes.is_empty() => self.cursor = Cursor::Live(next),
            Recent::Known { changes, next } => {
                return self.tell(changes.iter().map(|change| &**change), next).await;
            }
            Recent::Unread => {}
        }
        let heartbeat_at = later(self.told_at, HEARTBEAT);
        if !self.is_current || self.now() >= heartbeat_at {
            self.is_current = true;
            return Ok(vec![message(Event::Current(pb::Current {}), self.cursor.token(self.image_id))]);
        }
        let patience = between(self.now(), heartbeat_at.min(self.ends_at));
        let news = subscription.wait(news, patience);
        match select(pin!(news), pin!(self.service.drain.begun())).await {
            Either::Left((read, _)) => read?,
            Either::Right(((), _)) => {}
        }
        Ok(Messages::new())
    }

    /// Tells the changes that are news, as long as the image is there for the caller.
    async fn tell(&mut self, changes: impl Iterator<Item = &Change>, next: Position) -> Result<Messages> {
        let image_id = self.image_id;
        let tell = |change: &Change| {
            let event = match &change.what {
                What::Changed(annotation) => Event::Changed(Box::new(annotation.clone().into())),
                What::Removed(id) => Event::Removed(pb::Removed { id: id.to_string() }),
            };
            message(event, Cursor::Live(Position::behind_change(change)).token(image_id))
        };
        let messages: Messages = changes.filter(|change| !self.seen.shows(change)).map(tell).collect();
        if !messages.is_empty() {
            let call = Call::begin(
                &self.service.ports.database,
                &self.metadata,
                &self.extensions,
                Scope::AnnotationsRead,
            )?;
            self.service.require_image(&call, image_id).await?;
        }
        self.cursor = Cursor::Live(next);
        self.seen.forget_before(next);
        Ok(messages)
    }

    fn now(&self) -> Timestamp {
        self.service.ports.clock.now()
    }
}

fn message(event: Event, resume_token: String) -> pb::WatchAnnotationsResponse {
    pb::WatchAnnotationsResponse { event: Some(event), resume_token }
}

fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(moment.as_millis().saturating_add(millis))
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(to.as_millis().saturating_sub(from.as_millis()).max(0).unsigned_abs())
}
