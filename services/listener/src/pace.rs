//! How slowly a peer may move a body: the allowance that it uses up while it keeps the server waiting, and earns by bytes.

use std::time::Duration;

use tokio::time::Instant;

/// The slowest progress that a body may make: `bytes` in each `interval`.
///
/// Only time in which the server waits for the peer counts. A stream that has nothing to send, such as a watcher's between
/// two changes, makes its peer wait, and so may be silent for as long as it likes.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How long the peer may stand still.
    pub interval: Duration,
    /// The fewest bytes in it.
    pub bytes: u32,
}

impl Pace {
    /// How long a peer may stand still where the host does not say.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(30);
    /// The fewest bytes in it where the host does not say: half a KiB a second, less than any modem.
    pub const DEFAULT_BYTES: u32 = 16 * 1024;

    /// The time that the peer earns by moving `bytes`.
    fn earned(self, bytes: usize) -> Duration {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.bytes);
        self.interval.saturating_mul(bytes) / self.bytes.max(1)
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self { interval: Self::DEFAULT_INTERVAL, bytes: Self::DEFAULT_BYTES }
    }
}

/// How long the server still waits for a peer, at most an interval of its [`Pace`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    pace: Pace,
    left: Duration,
    /// Since when the server waits, if it does.
    since: Option<Instant>,
}

impl Allowance {
    /// The whole interval.
    pub(crate) const fn full(pace: Pace) -> Self {
        Self { pace, left: pace.interval, since: None }
    }

    /// `first` until the first bytes, if that is less.
    pub(crate) fn beginning_with(first: Duration, pace: Pace) -> Self {
        Self { pace, left: first.min(pace.interval), since: None }
    }

    /// The server waits for the peer from `now` on, unless it does already. Returns when it stops to wait.
    pub(crate) fn wait(&mut self, now: Instant) -> Instant {
        *self.since.get_or_insert(now) + self.left
    }

    /// The peer has moved `bytes`, and the server does not wait at the moment.
    pub(crate) fn moved(&mut self, bytes: usize, now: Instant) {
        let waited = self.since.take().map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let left = self.left.saturating_sub(waited).saturating_add(self.pace.earned(bytes));
        self.left = left.min(self.pace.interval);
    }

    /// When the server stops to wait; `None` while it does not wait.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace { interval: Duration::from_secs(10), bytes: 1000 };

    fn after(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_may_stand_still_for_an_interval_and_no_longer() {
        let (mut allowance, start) = (Allowance::full(PACE), Instant::now());
        assert_eq!(allowance.deadline(), None);
        assert_eq!(allowance.wait(start), start + after(10));
        assert_eq!(allowance.wait(start + after(3)), start + after(10), "it still waits for the same bytes");
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_earn_time_and_drops_of_them_earn_little() {
        let (mut allowance, start) = (Allowance::full(PACE), Instant::now());
        allowance.wait(start);
        allowance.moved(500, start + after(8));
        assert_eq!(allowance.wait(start + after(8)), start + after(15), "2 s were left, and 5 s were earned");
        let mut now = start + after(8);
        for _ in 0..100 {
            now = allowance.wait(now).min(now + after(1));
            allowance.moved(1, now);
        }
        assert!(allowance.deadline().is_none_or(|deadline| deadline < start + after(20)));
        assert!(now < start + after(16), "100 drops, one a second, are not enough");
    }

    #[tokio::test(start_paused = true)]
    async fn no_peer_saves_more_than_an_interval() {
        let (mut allowance, start) = (Allowance::full(PACE), Instant::now());
        allowance.moved(1_000_000, start);
        assert_eq!(allowance.wait(start), start + after(10));
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_the_peer_waits_is_free() {
        let (mut allowance, start) = (Allowance::full(PACE), Instant::now());
        allowance.wait(start);
        allowance.moved(0, start + after(1));
        assert_eq!(allowance.wait(start + after(1000)), start + after(1009));
    }
}
