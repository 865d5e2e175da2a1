//! What changed lately, read once for all watchers.
//!
//! The database is the truth, and is asked once a second while somebody watches; a change of this process makes that at
//! once. Nothing runs beside the watchers: one of those that wait reads for all, and what it read is kept for a while. A
//! watcher whose client takes nothing in stands still wherever it is, so nobody waits for the one that reads for long.

mod state;

use std::{
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use event_listener::{Event, EventListener};
use futures_util::future::select;
use storage::{Bookmark, Clock, Database, Session, Timer};

pub(crate) use self::state::{Head, Recent};
use self::state::{State, later};
use crate::{
    annotation::ImageId,
    error::Result,
    repo::history::{self, Position},
};

/// The most changes that are read at once.
pub(crate) const PAGE: usize = 1_000;

/// The changes of the watched images.
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

    /// A view of the database that is not behind what the feed knows, nor behind `at_least`.
    pub(crate) fn session(&self, at_least: Option<&Bookmark>) -> Session<'_, D> {
        Session::at(&self.database, later(self.state().bookmark(), at_least.cloned()))
    }

    /// Takes in how far somebody else has seen, by the database's word.
    pub(crate) fn advance(&self, bookmark: Option<Bookmark>) {
        self.state().advance(bookmark);
    }

    /// Says that this process has changed boxes of `images`.
    pub(crate) fn note<'a>(&self, images: impl IntoIterator<Item = &'a ImageId>, bookmark: Option<Bookmark>) {
        self.state().note(images, bookmark);
    }

    /// Which log it is that a read from now on reads, as far as the feed knows.
    pub(crate) fn log(&self) -> u64 {
        self.state().log()
    }

    /// Begins to watch an image, for somebody who knows everything up to `head` of the log `log`.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        image_id: ImageId,
        (head, log): (Head, u64),
    ) -> Subscription<D, C, T> {
        let news = self.state().join(image_id, head);
        Subscription { feed: self.clone(), image_id, log, news }
    }

    /// Reads what is new, if it is time to and nobody else does.
    async fn refresh(&self) -> Result<()> {
        let Some(reading) = self.state().begin(self.clock.instant()) else { return Ok(()) };
        let _turn = Turn { feed: self, number: reading.turn };
        let mut from = reading.from;
        loop {
            let noted = self.state().noted();
            let session = self.session(None);
            let part = history::changes(&session, &reading.images, (from.next, from.anchor), PAGE).await?;
            let has_more = part.has_more;
            let next = {
                // Under one lock: a subscriber that is notified of a change never reads a replica without it.
                let mut state = self.state();
                let next = state.take_in(part, &reading.images, from);
                if next.is_some() {
                    state.advance(session.confirmed());
                }
                next
            };
            let Some(next) = next else { return Ok(()) };
            from = next;
            if !has_more && self.state().has_read(noted) {
                return Ok(());
            }
        }
    }
}

/// The turn of one who reads. It may be dropped midway, when its own client leaves: then another one reads.
struct Turn<'a, D: Database, C: Clock, T: Timer> {
    feed: &'a Feed<D, C, T>,
    number: u64,
}

impl<D: Database, C: Clock, T: Timer> Drop for Turn<'_, D, C, T> {
    fn drop(&mut self) {
        self.feed.state().end(self.number);
    }
}

/// An image's place in the feed, as long as somebody watches it.
#[derive(Debug)]
pub(crate) struct Subscription<D: Database, C: Clock, T: Timer> {
    feed: Arc<Feed<D, C, T>>,
    image_id: ImageId,
    /// The log that the watcher's position is in.
    log: u64,
    news: Arc<Event>,
}

impl<D: Database, C: Clock, T: Timer> Subscription<D, C, T> {
    /// A place among those who are told of news. It is taken before looking for any, so that none goes by in between.
    pub(crate) fn listen(&self) -> EventListener {
        self.news.listen()
    }

    /// Says that the watcher has caught up by itself, up to `head` of the log `log`.
    pub(crate) fn rejoin(&mut self, (head, log): (Head, u64)) {
        self.log = log;
        self.feed.state().rejoin(head);
    }

    /// What the feed has from `position` on.
    pub(crate) fn recent(&self, position: Position) -> Recent {
        self.feed.state().recent(self.image_id, position, self.log)
    }

    /// Waits for news at most as long as `patience`, and reads for all if it is time to.
    ///
    /// # Errors
    /// The history could not be read.
    pub(crate) async fn wait(&self, news: EventListener, patience: Duration) -> Result<()> {
        let fresh_for = self.feed.state().fresh_for(self.feed.clock.instant());
        if !fresh_for.is_zero() {
            select(news, pin!(self.feed.timer.sleep(fresh_for.min(patience)))).await;
        }
        self.feed.refresh().await
    }
}

impl<D: Database, C: Clock, T: Timer> Drop for Subscription<D, C, T> {
    fn drop(&mut self) {
        self.feed.state().leave(self.image_id);
    }
}
