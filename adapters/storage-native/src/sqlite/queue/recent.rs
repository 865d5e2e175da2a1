use std::time::Duration;

use tokio::time::Instant;

use crate::places::Caller;

/// How long after a write its caller counts as one who writes.
pub(super) const LATELY: Duration = Duration::from_secs(1);

/// The two callers who wrote last, and when.
#[derive(Debug, Default)]
pub(super) struct Recent {
    last: Option<(Caller, Instant)>,
    before: Option<(Caller, Instant)>,
}

impl Recent {
    pub(super) fn note(&mut self, caller: &Caller) {
        let is_another = self.last.as_ref().is_some_and(|(last, _)| last != caller);
        if is_another {
            self.before = self.last.take();
        }
        self.last = Some((caller.clone(), Instant::now()));
    }

    pub(super) fn has_another(&self, than: &Caller) -> bool {
        let mut both = [&self.last, &self.before].into_iter().flatten();
        both.any(|(caller, at)| caller != than && at.elapsed() < LATELY)
    }
}
