//! The state of the feed: how far it has read, the changes that it keeps, and the watchers of each image.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use event_listener::Event;
use runtime::Instant;
use storage::Bookmark;

use crate::{
    annotation::ImageId,
    repo::change_log::{Change, ChangePage, Position, Record},
};

/// The interval of reads, and so the maximum delay of a change of another process.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How long the other watchers wait for the one that reads.
const MAX_TURN: Duration = Duration::from_secs(1);

/// How many changes are kept for watchers that have not sent them yet, about 4 MB. A watcher reads older ones from the
/// database.
const MAX_RECENT: usize = 8_192;

/// The state of a feed.
#[derive(Debug)]
pub(super) struct State {
    topics: HashMap<ImageId, Topic>,
    /// Up to where the log was read; `None` if there are no watchers, or the log has become another one.
    head: Option<Head>,
    /// Incremented when the log has become another one: positions of another generation are invalid.
    generation: u64,
    /// Changes before this position may have been dropped from `recent`.
    floor: i64,
    recent: VecDeque<Arc<Change>>,
    bookmark: Option<Bookmark>,
    /// How many times this process has changed a watched image's annotations, and how many of these changes were read.
    notified: u64,
    read: u64,
    read_at: Instant,
    /// The number of the last turn, and whether it still reads.
    turn: u64,
    is_being_read: bool,
}

/// A watched image.
#[derive(Debug)]
struct Topic {
    watchers: usize,
    /// From where on `recent` has its changes; `None` until the log is read for the first time while
    /// the image is watched.
    covered_from: Option<Position>,
    changed: Arc<Event>,
}

/// How far the log was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Where the next read begins.
    pub(crate) next: Position,
    /// The newest record at the last read.
    pub(crate) anchor: Option<Record>,
}

/// The changes of an image from a position on, as far as the feed has them.
#[derive(Debug)]
pub(crate) enum Recent {
    /// All changes up to this head.
    Known { changes: Vec<Arc<Change>>, head: Head },
    /// The log has not been read since the first watcher of the image subscribed.
    Unread,
    /// The feed lacks some of the changes. They must be read from the database.
    Missed,
}

/// The images and the position that a turn reads.
pub(super) struct Reading {
    pub(super) images: Vec<ImageId>,
    pub(super) from: Head,
    /// The number of the turn.
    pub(super) turn: u64,
}

/// The later of two bookmarks. Bookmarks of D1 sort in the order of its commits.
pub(super) fn later(one: Option<Bookmark>, other: Option<Bookmark>) -> Option<Bookmark> {
    if other.as_ref().map(Bookmark::as_str) > one.as_ref().map(Bookmark::as_str) { other } else { one }
}

impl State {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            topics: HashMap::new(),
            head: None,
            generation: 0,
            floor: 0,
            recent: VecDeque::new(),
            bookmark: None,
            notified: 0,
            read: 0,
            read_at: now,
            turn: 0,
            is_being_read: false,
        }
    }

    /// The latest bookmark, for the next read.
    pub(super) fn bookmark(&self) -> Option<Bookmark> {
        self.bookmark.clone()
    }

    pub(super) fn advance(&mut self, bookmark: Option<Bookmark>) {
        self.bookmark = later(self.bookmark.take(), bookmark);
    }

    /// Adds a watcher that knows everything up to `head`. Returns the event that wakes it.
    pub(super) fn add_watcher(&mut self, image_id: ImageId, head: Head) -> Arc<Event> {
        self.rejoin(head);
        let new = || Topic { watchers: 0, covered_from: None, changed: Arc::default() };
        let topic = self.topics.entry(image_id).or_insert_with(new);
        topic.watchers += 1;
        topic.changed.clone()
    }

    /// Begins at `head`, up to which a watcher has read the log by itself, if the feed has no head.
    pub(super) fn rejoin(&mut self, head: Head) {
        self.head.get_or_insert(head);
    }

    /// Makes a read due and wakes the watchers, because this process has changed annotations of `images`.
    pub(super) fn notify<'a>(
        &mut self,
        images: impl IntoIterator<Item = &'a ImageId>,
        bookmark: Option<Bookmark>,
    ) {
        let watched: BTreeSet<_> =
            images.into_iter().filter(|image| self.topics.contains_key(image)).collect();
        if !watched.is_empty() {
            self.notified += 1;
            self.advance(bookmark);
            self.wake(watched);
        }
    }

    /// The generation of the log.
    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    /// How many times this process has changed a watched image's annotations.
    pub(super) const fn notified(&self) -> u64 {
        self.notified
    }

    /// Wakes the watchers of these images.
    fn wake<'a>(&self, images: impl IntoIterator<Item = &'a ImageId>) {
        for topic in images.into_iter().filter_map(|image| self.topics.get(image)) {
            topic.changed.notify(usize::MAX);
        }
    }

    /// How long until the next read is due.
    pub(super) fn fresh_for(&self, now: Instant) -> Duration {
        let age = now.since(self.read_at);
        match (self.is_being_read, self.notified == self.read) {
            (true, _) => MAX_TURN.saturating_sub(age),
            (false, true) => POLL_INTERVAL.saturating_sub(age),
            (false, false) => Duration::ZERO,
        }
    }

    /// Begins a turn, if a read is due.
    pub(super) fn begin_turn(&mut self, now: Instant) -> Option<Reading> {
        let from = self.head?;
        if !self.fresh_for(now).is_zero() {
            return None;
        }
        self.read_at = now;
        self.turn += 1;
        self.is_being_read = true;
        Some(Reading { images: self.topics.keys().copied().collect(), from, turn: self.turn })
    }

    /// The changes of an image from `position` of the log of this generation on.
    pub(super) fn recent(&self, image_id: ImageId, position: Position, generation: u64) -> Recent {
        let Some(head) = self.head.filter(|_| generation == self.generation) else { return Recent::Missed };
        let topic = self.topics.get(&image_id);
        let Some(covered_from) = topic.and_then(|topic| topic.covered_from) else { return Recent::Unread };
        if position < covered_from || position.seq < self.floor {
            return Recent::Missed;
        }
        let start = self.recent.partition_point(|change| !position.is_before(change));
        let new = self.recent.range(start..).filter(|change| change.image_id == image_id).cloned();
        Recent::Known { changes: new.collect(), head: Head { next: position.max(head.next), ..head } }
    }

    /// Adds a page that was read of `images` from `from` on. Returns the head to continue reading from; `None` if another turn
    /// has read the page since, if there are no watchers any more, or if the log has become another one.
    pub(super) fn add(&mut self, page: ChangePage, images: &[ImageId], from: Head) -> Option<Head> {
        if self.head != Some(from) {
            return None;
        }
        if !page.is_same_log {
            self.generation += 1;
            self.clear();
            self.topics.values_mut().for_each(|topic| topic.covered_from = None);
            self.wake(self.topics.keys());
            return None;
        }
        for image in images {
            self.topics.get_mut(image).map(|topic| topic.covered_from.get_or_insert(from.next));
        }
        self.head = Some(Head { next: page.next, anchor: page.newest });
        let changed: BTreeSet<_> = page.changes.iter().map(|change| change.image_id).collect();
        for change in page.changes {
            if self.recent.len() >= MAX_RECENT
                && let Some(dropped) = self.recent.pop_front()
            {
                self.floor = dropped.seq.saturating_add(1);
            }
            self.recent.push_back(Arc::new(change));
        }
        self.wake(&changed);
        self.head
    }

    /// Marks the first `notified` changes of this process as read. Returns whether these are all.
    pub(super) fn mark_read(&mut self, notified: u64) -> bool {
        self.read = self.read.max(notified);
        self.read == self.notified
    }

    /// Ends a turn. If there is more to read, all watchers are woken, and one of them reads it.
    pub(super) fn end_turn(&mut self, turn: u64) {
        if self.turn == turn {
            self.is_being_read = false;
            if self.read != self.notified {
                self.wake(self.topics.keys());
            }
        }
    }

    /// Removes a watcher.
    pub(super) fn remove_watcher(&mut self, image_id: ImageId) {
        if let Some(topic) = self.topics.get_mut(&image_id) {
            topic.watchers = topic.watchers.saturating_sub(1);
            if topic.watchers == 0 {
                self.topics.remove(&image_id);
            }
        }
        if self.topics.is_empty() {
            self.clear();
        }
    }

    /// Discards what was read of the log.
    fn clear(&mut self) {
        self.head = None;
        self.floor = 0;
        self.recent.clear();
    }
}
