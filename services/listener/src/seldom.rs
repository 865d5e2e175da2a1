//! Log lines that a flood of events must not multiply.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How often an event is logged at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// Lets an event through once a second, and counts those in between.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    skipped: u64,
}

impl Seldom {
    /// How many events this one stands for, itself included, if it is to be logged.
    pub(crate) fn count(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if state.last.is_some_and(|last| now.saturating_duration_since(last) < INTERVAL) {
            state.skipped += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.skipped) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_event_a_second_stands_for_all() {
        let seldom = Seldom::default();
        assert_eq!(seldom.count(), Some(1));
        assert_eq!([seldom.count(), seldom.count()], [None, None]);
        tokio::time::advance(INTERVAL).await;
        assert_eq!(seldom.count(), Some(3));
    }
}
