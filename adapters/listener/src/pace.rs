//! The minimum speed of a peer: an allowance of time that shrinks while the server waits for the peer and grows with each byte.

use std::time::Duration;

use tokio::time::Instant;

/// The minimum speed of a body: `bytes` in each `interval`.
///
/// Only the time in which the server waits for the peer counts. While the server has nothing to send, for example to a watcher
/// between two changes, the peer waits for the server, so the stream may be silent for any time.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The time in which the peer must make progress.
    pub interval: Duration,
    /// The minimum number of bytes in one interval.
    pub bytes: u32,
}

impl Pace {
    /// The default interval.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(30);
    /// The default number of bytes per interval: half a KiB per second, slower than any modem.
    pub const DEFAULT_BYTES: u32 = 16 * 1024;

    /// The time that the peer gains by sending or reading `bytes`.
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

/// How long the server still waits for a peer: at most one interval of the [`Pace`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    pace: Pace,
    left: Duration,
    /// When the server started to wait; `None` while it does not wait.
    since: Option<Instant>,
}

impl Allowance {
    /// An allowance of a whole interval.
    pub(crate) const fn full(pace: Pace) -> Self {
        Self { pace, left: pace.interval, since: None }
    }

    /// An allowance of `first` for the first bytes, if that is less than an interval.
    pub(crate) fn starting_with(first: Duration, pace: Pace) -> Self {
        Self { pace, left: first.min(pace.interval), since: None }
    }

    /// Records that the server waits for the peer from `now` on, unless it waits already. Returns the deadline.
    pub(crate) fn start_waiting(&mut self, now: Instant) -> Instant {
        *self.since.get_or_insert(now) + self.left
    }

    /// Records that the peer has sent or read `bytes`, and that the server no longer waits.
    pub(crate) fn add_progress(&mut self, bytes: usize, now: Instant) {
        let waited = self.since.take().map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        let left = self.left.saturating_sub(waited).saturating_add(self.pace.earned(bytes));
        self.left = left.min(self.pace.interval);
    }

    /// When the wait times out; `None` while the server does not wait.
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
    async fn a_peer_may_pause_for_one_interval_and_no_longer() {
        let (mut allowance, start) = (Allowance::full(PACE), Instant::now());
        assert_eq!(allowance.deadline(), None);
        assert_eq!(allowance.start_waiting(start), start + after(10));
        assert_eq!(
            allowance.start_waiting(start + after(3)),
            start + after(10),
            "it still waits for the same bytes"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_add_time_in_proportion_to_their_number() {
        let (mut allowance, start) = (Allowance::full(PACE), Instant::now());
        allowance.start_waiting(start);
        allowance.add_progress(500, start + after(8));
        assert_eq!(
            allowance.start_waiting(start + after(8)),
            start + after(15),
            "2 s were left, and 5 s were earned"
        );
        let mut now = start + after(8);
        for _ in 0..100 {
            now = allowance.start_waiting(now).min(now + after(1));
            allowance.add_progress(1, now);
        }
        assert_eq!(allowance.start_waiting(now), start + after(16), "100 single bytes earned 1 s together");
        assert!(now < start + after(16), "100 single bytes, one per second, are not enough");
    }

    #[tokio::test(start_paused = true)]
    async fn the_allowance_never_exceeds_one_interval() {
        let (mut allowance, start) = (Allowance::full(PACE), Instant::now());
        allowance.add_progress(1_000_000, start);
        assert_eq!(allowance.start_waiting(start), start + after(10));
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_the_peer_waits_does_not_count() {
        let (mut allowance, start) = (Allowance::full(PACE), Instant::now());
        allowance.start_waiting(start);
        allowance.add_progress(0, start + after(1));
        assert_eq!(allowance.start_waiting(start + after(1000)), start + after(1009));
    }
}
