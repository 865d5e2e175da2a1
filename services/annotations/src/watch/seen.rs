//! Which states of annotations a snapshot has sent.

use crate::{
    annotation::AnnotationId,
    repo::change_log::{Change, Position},
};

/// The maximum number of pages that are distinguished. If a snapshot was read in more pages, between which the log grew,
/// changes between the first ones may be sent again.
pub(super) const MAX_PAGES: usize = 16;

/// The pages of a snapshot, each of which was read later than the previous one. The change log since the first page has changes
/// that later pages already included. [`Seen::includes`] returns which, so that no change is sent twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// For each page, the last annotation that was sent, and the sequence number of the newest record when the page was read.
    pub(super) pages: Vec<(AnnotationId, i64)>,
    /// The sequence number of the newest record when the last page was read, which has all higher annotations; 0 until then.
    pub(super) rest: i64,
}

impl Seen {
    /// The last annotation that was sent.
    pub(super) fn last(&self) -> Option<AnnotationId> {
        self.pages.last().map(|(last, _)| *last)
    }

    /// Records that an annotation was sent, as it was when the log ended with record `newest`.
    pub(super) fn record(&mut self, id: AnnotationId, newest: i64) {
        match self.pages.last_mut() {
            Some(page) if page.1 == newest => page.0 = id,
            Some(_) | None => self.pages.push((id, newest)),
        }
        if self.pages.len() > MAX_PAGES {
            let (_, oldest) = self.pages.remove(0);
            self.pages.first_mut().into_iter().for_each(|(_, newest)| *newest = oldest);
        }
    }

    /// Records that there is no annotation after the last one, as of record `newest`. Returns the position in the log to
    /// continue from.
    pub(super) fn finish(&mut self, newest: i64) -> Position {
        let first = self.pages.first().map_or(newest, |(_, newest)| *newest);
        self.rest = newest;
        self.forget_before(Position::after(first));
        Position::after(first)
    }

    /// Whether the snapshot has already sent the result of `change`.
    pub(super) fn includes(&self, change: &Change) -> bool {
        let page = self.pages.partition_point(|(last, _)| Some(*last) < change.id());
        let newest = self.pages.get(page).map_or(self.rest, |(_, newest)| *newest);
        change.seq <= newest
    }

    /// Clears everything once `position` is after the newest record of all pages: no later change can be in them.
    pub(super) fn forget_before(&mut self, position: Position) {
        let newest = self.pages.iter().map(|(_, newest)| *newest).fold(self.rest, i64::max);
        if position.seq > newest {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> AnnotationId {
        AnnotationId(format!("0190a0b0c0d07abc80000000000000{n:02x}").parse().unwrap())
    }

    #[test]
    fn pages_of_the_same_record_are_merged_and_so_are_the_oldest_of_too_many_pages() {
        let mut seen = Seen::default();
        seen.record(id(1), 5);
        seen.record(id(2), 5);
        seen.record(id(3), 7);
        assert_eq!(seen.pages, [(id(2), 5), (id(3), 7)]);
        for n in 4..40 {
            seen.record(id(n), i64::from(n) + 10);
        }
        assert_eq!((seen.pages.len(), seen.pages[0].1), (MAX_PAGES, 5));
        assert_eq!(seen.finish(60), Position::after(5));
        seen.forget_before(Position::after(59));
        assert_eq!(seen.rest, 60);
        seen.forget_before(Position::after(60));
        assert_eq!(seen, Seen::default());
    }
}
