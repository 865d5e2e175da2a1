//! What a snapshot has shown.

use crate::{
    annotation::AnnotationId,
    repo::history::{Change, Position},
};

/// How many pages are told apart at most. A snapshot that was read in more, at as many moments, may tell again what
/// changed between the first of them.
pub(super) const MAX_PAGES: usize = 16;

/// A snapshot is read in pages, each a little later than the one before. The history since the first page has changes that
/// later pages showed already: this knows which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The last box of each page that was told, and the newest row of the history that the page took in.
    pub(super) pages: Vec<(AnnotationId, i64)>,
    /// The newest row that the last page took in, which has all higher boxes; 0 until it was read.
    pub(super) rest: i64,
}

impl Seen {
    /// The last box that was told.
    pub(super) fn last(&self) -> Option<AnnotationId> {
        self.pages.last().map(|(last, _)| *last)
    }

    /// Takes in that a box was told, as it was when the history ended with row `newest`.
    pub(super) fn tell(&mut self, id: AnnotationId, newest: i64) {
        match self.pages.last_mut() {
            Some(page) if page.1 == newest => page.0 = id,
            Some(_) | None => self.pages.push((id, newest)),
        }
        if self.pages.len() > MAX_PAGES {
            let (_, oldest) = self.pages.remove(0);
            self.pages.first_mut().into_iter().for_each(|(_, newest)| *newest = oldest);
        }
    }

    /// Takes in that there is no box above the last one, as of row `newest`; answers where the history goes on.
    pub(super) fn end(&mut self, newest: i64) -> Position {
        let first = self.pages.first().map_or(newest, |(_, newest)| *newest);
        self.rest = newest;
        self.forget_before(Position::behind(first));
        Position::behind(first)
    }

    /// Whether the snapshot has shown what `change` tells.
    pub(super) fn shows(&self, change: &Change) -> bool {
        let page = self.pages.partition_point(|(last, _)| Some(*last) < change.id());
        let newest = self.pages.get(page).map_or(self.rest, |(_, newest)| *newest);
        change.seq <= newest
    }

    /// Forgets everything once the history has been told beyond the last page.
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
    fn pages_of_one_moment_are_one_and_the_oldest_of_many_are_joined() {
        let mut seen = Seen::default();
        seen.tell(id(1), 5);
        seen.tell(id(2), 5);
        seen.tell(id(3), 7);
        assert_eq!(seen.pages, [(id(2), 5), (id(3), 7)]);
        for n in 4..40 {
            seen.tell(id(n), i64::from(n) + 10);
        }
        assert_eq!((seen.pages.len(), seen.pages[0].1), (MAX_PAGES, 5));
        assert_eq!(seen.end(60), Position::behind(5));
        seen.forget_before(Position::behind(59));
        assert_eq!(seen.rest, 60);
        seen.forget_before(Position::behind(60));
        assert_eq!(seen, Seen::default());
    }
}
