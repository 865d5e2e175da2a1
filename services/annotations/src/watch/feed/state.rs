//! What the feed knows: where it has read to, what it keeps, and who watches which image.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use event_listener::Event;
use storage::{Bookmark, Instant};

use crate::{
    annotation::ImageId,
    repo::history::{Change, Changes, Position, Record},
};

/// How long a change of another process may go unnoticed.
const READ_EVERY: Duration = Duration::from_secs(1);

/// How long the others wait for the one that reads.
const TURN: Duration = Duration::from_secs(1);

/// How many changes are kept for watchers that have not told them yet, about 4 MB. Who needs older ones reads them itself.
const RECENT: usize = 8_192;

/// The state of a feed.
#[derive(Debug)]
pub(super) struct State {
    topics: HashMap<ImageId, Topic>,
    /// Up to where the log was read; `None` if nobody watches, or the log has become another one.
    head: Option<Head>,
    /// Counts the logs: positions in one mean nothing in another.
    log: u64,
    /// Changes before this position may have been dropped from `recent`.
    floor: i64,
    recent: VecDeque<Arc<Change>>,
    bookmark: Option<Bookmark>,
    /// How often this process said that it changed something, and how much of that was read.
    noted: u64,
    read: u64,
    read_at: Instant,
    /// Counts those who read, and says whether the last one still does.
    turn: u64,
    is_being_read: bool,
}

/// An image that is watched.
#[derive(Debug)]
struct Topic {
    watchers: usize,
    /// From where on `recent` has its changes; `None` until somebody has read since it is watched.
    covered_from: Option<Position>,
    news: Arc<Event>,
}

/// How far the log was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Where the next read begins.
    pub(crate) next: Position,
    /// The newest record at the last read.
    pub(crate) anchor: Option<Record>,
}

/// What the feed has of an image, for somebody who knows everything before a position.
#[derive(Debug)]
pub(crate) enum Recent {
    /// All of it, up to this head.
    Known { changes: Vec<Arc<Change>>, head: Head },
    /// Nobody has read since the image is watched.
    Unread,
    /// Not all of it: the rest is in the database.
    Missed,
}

/// What one who reads is to read.
pub(super) struct Reading {
    pub(super) images: Vec<ImageId>,
    pub(super) from: Head,
    /// Which one it is.
    pub(super) turn: u64,
}

/// The later of two bookmarks: D1's sort as its history does.
pub(super) fn later(one: Option<Bookmark>, other: Option<Bookmark>) -> Option<Bookmark> {
    if other.as_ref().map(Bookmark::as_str) > one.as_ref().map(Bookmark::as_str) { other } else { one }
}

impl State {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            topics: HashMap::new(),
            head: None,
            log: 0,
            floor: 0,
            recent: VecDeque::new(),
            bookmark: None,
            noted: 0,
            read: 0,
            read_at: now,
            turn: 0,
            is_being_read: false,
        }
    }

    /// How far somebody has seen, for the next one who reads.
    pub(super) fn bookmark(&self) -> Option<Bookmark> {
        self.bookmark.clone()
    }

    pub(super) fn advance(&mut self, bookmark: Option<Bookmark>) {
        self.bookmark = later(self.bookmark.take(), bookmark);
    }

    /// Has one watcher more, who knows everything up to `head`.
    pub(super) fn join(&mut self, image_id: ImageId, head: Head) -> Arc<Event> {
        self.rejoin(head);
        let new = || Topic { watchers: 0, covered_from: None, news: Arc::default() };
        let topic = self.topics.entry(image_id).or_insert_with(new);
        topic.watchers += 1;
        topic.news.clone()
    }

    /// Has a watcher that has caught up with the log by itself, up to `head`: where nothing is known, the feed begins there.
    pub(super) fn rejoin(&mut self, head: Head) {
        self.head.get_or_insert(head);
    }

    /// Knows that this process has changed boxes of `images`.
    pub(super) fn note<'a>(
        &mut self,
        images: impl IntoIterator<Item = &'a ImageId>,
        bookmark: Option<Bookmark>,
    ) {
        let watched: BTreeSet<_> =
            images.into_iter().filter(|image| self.topics.contains_key(image)).collect();
        if !watched.is_empty() {
            self.noted += 1;
            self.advance(bookmark);
            self.tell(watched);
        }
    }

    /// Which log it is that the feed has read, or is about to read.
    pub(super) const fn log(&self) -> u64 {
        self.log
    }

    /// How often this process has changed something.
    pub(super) const fn noted(&self) -> u64 {
        self.noted
    }

    /// Wakes who watches these images.
    fn tell<'a>(&self, images: impl IntoIterator<Item = &'a ImageId>) {
        for topic in images.into_iter().filter_map(|image| self.topics.get(image)) {
            topic.news.notify(usize::MAX);
        }
    }

    /// How long nobody else needs to read.
    pub(super) fn fresh_for(&self, now: Instant) -> Duration {
        let age = now.since(self.read_at);
        match (self.is_being_read, self.noted == self.read) {
            (true, _) => TURN.saturating_sub(age),
            (false, true) => READ_EVERY.saturating_sub(age),
            (false, false) => Duration::ZERO,
        }
    }

    /// Begins a turn, if it is time to read.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Reading> {
        let from = self.head?;
        if !self.fresh_for(now).is_zero() {
            return None;
        }
        self.read_at = now;
        self.turn += 1;
        self.is_being_read = true;
        Some(Reading { images: self.topics.keys().copied().collect(), from, turn: self.turn })
    }

    /// What is here of an image from `position` of the log `log` on.
    pub(super) fn recent(&self, image_id: ImageId, position: Position, log: u64) -> Recent {
        let Some(head) = self.head.filter(|_| log == self.log) else { return Recent::Missed };
        let topic = self.topics.get(&image_id);
        let Some(covered_from) = topic.and_then(|topic| topic.covered_from) else { return Recent::Unread };
        if position < covered_from || position.seq < self.floor {
            return Recent::Missed;
        }
        let start = self.recent.partition_point(|change| !position.is_before(change));
        let new = self.recent.range(start..).filter(|change| change.image_id == image_id).cloned();
        Recent::Known { changes: new.collect(), head: Head { next: position.max(head.next), ..head } }
    }

    /// Takes in what was read of `images` from `from` on, and answers where to read on: nowhere if somebody else has read
    /// that since, or nobody watches any more, or the log has become another one.
    pub(super) fn take_in(&mut self, part: Changes, images: &[ImageId], from: Head) -> Option<Head> {
        if self.head != Some(from) {
            return None;
        }
        if !part.is_same_log {
            self.log += 1;
            self.forget();
            self.topics.values_mut().for_each(|topic| topic.covered_from = None);
            self.tell(self.topics.keys());
            return None;
        }
        for image in images {
            self.topics.get_mut(image).map(|topic| topic.covered_from.get_or_insert(from.next));
        }
        self.head = Some(Head { next: part.next, anchor: part.newest });
        let changed: BTreeSet<_> = part.changes.iter().map(|change| change.image_id).collect();
        for change in part.changes {
            if self.recent.len() >= RECENT
                && let Some(dropped) = self.recent.pop_front()
            {
                self.floor = dropped.seq.saturating_add(1);
            }
            self.recent.push_back(Arc::new(change));
        }
        self.tell(&changed);
        self.head
    }

    /// Says that what was noted before number `noted` is read; whether that is everything.
    pub(super) fn has_read(&mut self, noted: u64) -> bool {
        self.read = self.read.max(noted);
        self.read == self.noted
    }

    /// Ends a turn. If something is left to read, another one does.
    pub(super) fn end(&mut self, turn: u64) {
        if self.turn == turn {
            self.is_being_read = false;
            if self.read != self.noted {
                self.tell(self.topics.keys());
            }
        }
    }

    /// Has one watcher less.
    pub(super) fn leave(&mut self, image_id: ImageId) {
        if let Some(topic) = self.topics.get_mut(&image_id) {
            topic.watchers = topic.watchers.saturating_sub(1);
            if topic.watchers == 0 {
                self.topics.remove(&image_id);
            }
        }
        if self.topics.is_empty() {
            self.forget();
        }
    }

    /// Knows nothing of the log any more.
    fn forget(&mut self) {
        self.head = None;
        self.floor = 0;
        self.recent.clear();
    }
}
