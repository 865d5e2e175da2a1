//! The time, as an argument: the date and time ([`Timestamp`]), and a monotonic clock for durations ([`Instant`]).
//!
//! An administrator or NTP may set a machine's time back or forward at any moment. So the two are different types that do
//! not mix: a [`Timestamp`] can be stored and compared with stored ones, but two of them have no difference. Durations and
//! ages come from an [`Instant`], which nobody can set and which cannot be stored.

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

    /// The moment `seconds` later (earlier, if negative); saturates at the limits of the type.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }
}

/// A moment on the process's monotonic clock, which changes of the machine's time do not affect. It has no meaning in
/// another process, and no representation to store or send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// The moment `elapsed` after the clock's start; for implementations of [`Clock`].
    #[must_use]
    pub const fn from_elapsed(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The time since `earlier`; zero if `earlier` is later than this.
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

/// A source of the time. Services read the time only from here, so that tests can set it and a Worker can supply its own.
pub trait Clock: Clone + Send + Sync + 'static {
    /// The machine's current date and time, to be stored, sent, or compared with stored ones.
    fn now(&self) -> Timestamp;

    /// The current moment on the monotonic clock, for durations, ages and deadlines within this process. It never decreases.
    fn instant(&self) -> Instant;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_between_instants_are_never_negative() {
        let start = Instant::from_elapsed(Duration::from_secs(7));
        let later = start.plus(Duration::from_millis(1_500));
        assert_eq!(later.since(start), Duration::from_millis(1_500));
        assert_eq!(start.since(later), Duration::ZERO);
        assert!(start < later && later <= later.plus(Duration::MAX));
    }
}
