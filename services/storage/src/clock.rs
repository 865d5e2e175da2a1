//! The time, as an argument: what day it is ([`Timestamp`]), and how long something takes ([`Instant`]).
//!
//! A machine's time may be set back or forward at any moment, by its administrator or by NTP. So the two are different
//! types that do not mix: a [`Timestamp`] can be stored and compared with stored ones, but has no difference; durations and
//! ages come from an [`Instant`], which nobody can set, and which cannot be stored.

use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z. Exact in a JSON number and in D1 (below 2^53).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `millis` milliseconds after 1970 (before it, if negative).
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment `seconds` later (earlier, if negative); saturates at the ends of time.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }
}

/// A moment on a stopwatch that runs as long as the process, whatever happens to the machine's time. It has no meaning in
/// another process, and no representation to store or send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// The moment at which the stopwatch shows `elapsed`; for those that implement a [`Clock`].
    #[must_use]
    pub const fn from_elapsed(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How much time has passed since `earlier`; zero if it is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `duration` later.
    #[must_use]
    pub const fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// Tells the time. Services never read it elsewhere, so that tests can set it and a Worker can supply its own.
pub trait Clock: Clone + Send + Sync + 'static {
    /// The current moment by the machine's time, to be stored, sent, or compared with what was.
    fn now(&self) -> Timestamp;

    /// The current moment on a stopwatch, for everything that lasts, ages or is due within this process. It never goes back.
    fn instant(&self) -> Instant;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_between_instants_and_never_backwards() {
        let start = Instant::from_elapsed(Duration::from_secs(7));
        let later = start.plus(Duration::from_millis(1_500));
        assert_eq!(later.since(start), Duration::from_millis(1_500));
        assert_eq!(start.since(later), Duration::ZERO);
        assert!(start < later && later <= later.plus(Duration::MAX));
    }
}
