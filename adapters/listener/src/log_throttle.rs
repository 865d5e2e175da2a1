//! Limits the log lines of events that may occur in large numbers.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The minimum time between two log lines of one event.
const INTERVAL: Duration = Duration::from_secs(1);

/// Allows one log line per second for an event and counts the events in between.
#[derive(Debug, Default)]
pub(crate) struct LogThrottle(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<Instant>,
    skipped: u64,
}

impl LogThrottle {
    /// Records an event. If it is to be logged, returns the number of events since the last log line, including this one.
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
    async fn one_event_per_second_is_logged_and_the_others_are_counted() {
        let throttle = LogThrottle::default();
        assert_eq!(throttle.count(), Some(1));
        assert_eq!([throttle.count(), throttle.count()], [None, None]);
        tokio::time::advance(INTERVAL).await;
        assert_eq!(throttle.count(), Some(3));
    }
}
