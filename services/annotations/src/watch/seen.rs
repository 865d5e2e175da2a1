//! What a snapshot has shown.

use crate::{
    annotation::AnnotationId,
    repo::history::{Change, Position},
};

/// A snapshot is read in pages, each a little later than the one before. The history since the first page has changes that
/// later pages showed already: this knows which.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// The last box of each page, and the newest row of the history that it took in.
    pages: Vec<(AnnotationId, i64)>,
    /// The newest row of the last page, which has all higher boxes.
    rest: i64,
}

impl Seen {
    /// What a watcher has seen that comes back in the middle of a snapshot.
    pub(crate) fn up_to(after: AnnotationId, since: Position) -> Self {
        Self { pages: vec![(after, since.seq.saturating_sub(1))], rest: 0 }
    }

    /// A page, the last box of which is `last`: none if it is the last page.
    pub(crate) fn page(&mut self, last: Option<AnnotationId>, newest: i64) {
        match (last, self.pages.last_mut()) {
            (None, _) => self.rest = newest,
            (Some(last), Some(page)) if page.1 == newest => page.0 = last,
            (Some(last), _) => self.pages.push((last, newest)),
        }
    }

    /// Whether the snapshot has shown what `change` tells.
    pub(crate) fn shows(&self, change: &Change) -> bool {
        let page = self.pages.partition_point(|(last, _)| *last < change.id());
        let newest = self.pages.get(page).map_or(self.rest, |(_, newest)| *newest);
        change.seq <= newest
    }

    /// Forgets everything once the history has been told beyond the last page.
    pub(crate) fn forget_before(&mut self, position: Position) {
        let newest = self.pages.iter().map(|(_, newest)| *newest).fold(self.rest, i64::max);
        if position.seq > newest {
            *self = Self::default();
        }
    }
}
