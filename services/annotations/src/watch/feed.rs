//! Recent changes, read once for all watchers.
//!
//! While there are watchers, the feed polls the database once a second; a change of this process is read at once. There is no
//! background task: one of the waiting watchers reads for all of them, and the feed keeps recent changes in memory. The reading
//! watcher may be suspended at any point, if its client accepts no data. So the others wait for it for a second at most.

mod state;

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use event_listener::{Event, EventListener};
use futures_util::future::select;
use runtime::{Clock, Timer};
use storage::{Bookmark, Database, Session};

pub(crate) use self::state::{Head, Recent};
use self::state::{State, later};
use crate::{
    annotation::ImageId,
    error::Result,
    repo::change_log::{self, Position},
};

/// The maximum number of changes or annotations of one read.
pub(crate) const PAGE: usize = 1_000;

/// The recent changes of the watched images.
#[derive(Debug)]
pub(crate) struct Feed<D, C, T> {
    database: D,
    clock: C,
    timer: T,
    state: Mutex<State>,
}

impl<D: Database, C: Clock, T: Timer> Feed<D, C, T> {
    pub(crate) fn new(database: D, clock: C, timer: T) -> Self {
        let state = State::new(clock.instant());
        Self { database, clock, timer, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A database session that reads nothing older than what the feed knows, and nothing older than `at_least`.
    pub(crate) fn session(&self, at_least: Option<&Bookmark>) -> Session<'_, D> {
        Session::at(&self.database, later(self.state().bookmark(), at_least.cloned()))
    }

    /// Records a bookmark that the database returned to another session, so that later reads are not older.
    pub(crate) fn advance(&self, bookmark: Option<Bookmark>) {
        self.state().advance(bookmark);
    }

    /// Wakes the watchers of `images`, because this process has changed annotations of them.
    pub(crate) fn notify<'a>(
        &self,
        images: impl IntoIterator<Item = &'a ImageId>,
        bookmark: Option<Bookmark>,
    ) {
        self.state().notify(images, bookmark);
    }

    /// The generation of the log, which changes when the feed finds that the database was restored.
    pub(crate) fn generation(&self) -> u64 {
        self.state().generation()
    }

    /// Subscribes a watcher to an image. The watcher knows everything up to `head` of the log of this generation.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        image_id: ImageId,
        (head, generation): (Head, u64),
    ) -> Subscription<D, C, T> {
        let changed = self.state().add_watcher(image_id, head);
        Subscription { feed: self.clone(), image_id, generation, changed }
    }

    /// Reads new changes, if a read is due and no other watcher is reading.
    async fn refresh(&self) -> Result<()> {
        let Some(reading) = self.state().begin_turn(self.clock.instant()) else { return Ok(()) };
        let _turn = Turn { feed: self, number: reading.turn };
        let mut from = reading.from;
        loop {
            let notified = self.state().notified();
            let session = self.session(None);
            let page = change_log::changes(&session, &reading.images, (from.next, from.anchor), PAGE).await?;
            let has_more = page.has_more;
            let next = {
                // Under one lock: a subscriber that is notified of a change never reads a replica without it.
                let mut state = self.state();
                let next = state.add(page, &reading.images, from);
                if next.is_some() {
                    state.advance(session.confirmed());
                }
                next
            };
            let Some(next) = next else { return Ok(()) };
            from = next;
            if !has_more && self.state().mark_read(notified) {
                return Ok(());
            }
        }
    }
}

/// The turn of the watcher that reads for all. If it is dropped before it has finished, because its client left, another
/// watcher reads.
struct Turn<'a, D: Database, C: Clock, T: Timer> {
    feed: &'a Feed<D, C, T>,
    number: u64,
}

impl<D: Database, C: Clock, T: Timer> Drop for Turn<'_, D, C, T> {
    fn drop(&mut self) {
        self.feed.state().end_turn(self.number);
    }
}

/// A watcher's subscription to an image in the feed. Dropping it unsubscribes.
#[derive(Debug)]
pub(crate) struct Subscription<D: Database, C: Clock, T: Timer> {
    feed: Arc<Feed<D, C, T>>,
    image_id: ImageId,
    /// The generation of the log that the watcher's position is in.
    generation: u64,
    changed: Arc<Event>,
}

impl<D: Database, C: Clock, T: Timer> Subscription<D, C, T> {
    /// Listens for the next notification. Call it before [`Subscription::recent`], so that no notification is missed.
    pub(crate) fn listen(&self) -> EventListener {
        self.changed.listen()
    }

    /// Continues after the watcher has caught up by itself, up to `head` of the log of this generation.
    pub(crate) fn rejoin(&mut self, (head, generation): (Head, u64)) {
        self.generation = generation;
        self.feed.state().rejoin(head);
    }

    /// The changes that the feed has from `position` on.
    pub(crate) fn recent(&self, position: Position) -> Recent {
        self.feed.state().recent(self.image_id, position, self.generation)
    }

    /// Waits for `notification`, for `max_wait` at most, and then reads for all watchers if a read is due.
    ///
    /// # Errors
    /// The change log could not be read.
    pub(crate) async fn wait(&self, notification: EventListener, max_wait: Duration) -> Result<()> {
        let fresh_for = self.feed.state().fresh_for(self.feed.clock.instant());
        if !fresh_for.is_zero() {
            select(notification, pin!(self.feed.timer.sleep(fresh_for.min(max_wait)))).await;
        }
        self.feed.refresh().await
    }
}

impl<D: Database, C: Clock, T: Timer> Drop for Subscription<D, C, T> {
    fn drop(&mut self) {
        self.feed.state().remove_watcher(self.image_id);
    }
}
