//! The daily schedule. The hour is in the time of the machine, which may be changed at any time. So the time is checked every
//! minute, and a monotonic clock ensures a minimum interval between two runs.

use std::time::Duration;

use runtime::{Clock, Instant, Timestamp};

/// The hour (UTC) of the clean-up: the same as the Workers' cron trigger.
const CLEANUP_HOUR: i64 = 3;
const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// How often the time is checked. After the clock is set forward, a run is late by at most this interval.
const CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// The minimum interval between two runs, so that setting the clock back does not repeat a run.
const MIN_INTERVAL: Duration = Duration::from_secs(12 * 60 * 60);

/// Runs `job` every day at 03:00 UTC, for ever.
pub(crate) async fn run_daily<J: Future<Output = ()>>(clock: impl Clock, mut job: impl FnMut() -> J) {
    let mut daily = Daily::new(clock.now());
    loop {
        match daily.next(clock.now(), clock.instant()) {
            Next::Sleep(duration) => tokio::time::sleep(duration).await,
            Next::Run => job().await,
        }
    }
}

/// When the next run is due, and when the last one started.
struct Daily {
    due: Timestamp,
    ran: Option<Instant>,
}

/// What the loop does next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Sleep(Duration),
    Run,
}

impl Daily {
    const fn new(now: Timestamp) -> Self {
        Self { due: next_due(now), ran: None }
    }

    fn next(&mut self, now: Timestamp, instant: Instant) -> Next {
        if now >= self.due {
            self.due = next_due(now);
            if self.ran.is_none_or(|ran| instant.since(ran) >= MIN_INTERVAL) {
                self.ran = Some(instant);
                return Next::Run;
            }
        }
        // If the clock was set back by days, the due time is too far in the future.
        self.due = self.due.min(next_due(now));
        let seconds = self.due.as_seconds().saturating_sub(now.as_seconds()).max(1).unsigned_abs();
        Next::Sleep(Duration::from_secs(seconds).min(CHECK_INTERVAL))
    }
}

/// The first 03:00 after `now`.
const fn next_due(now: Timestamp) -> Timestamp {
    let into_day = (now.as_seconds() - CLEANUP_HOUR * 60 * 60).rem_euclid(SECONDS_A_DAY);
    Timestamp::from_millis((now.as_seconds() - into_day + SECONDS_A_DAY) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT: i64 = 20_000 * SECONDS_A_DAY;

    /// A time of day, in hours and minutes.
    const fn at(hours: i64, minutes: i64) -> Timestamp {
        Timestamp::from_millis((MIDNIGHT + hours * 3600 + minutes * 60) * 1000)
    }

    /// A time of the monotonic clock, in hours.
    const fn hour(hours: u64) -> Instant {
        Instant::from_elapsed(Duration::from_secs(hours * 3600))
    }

    const MINUTE: Next = Next::Sleep(CHECK_INTERVAL);

    #[test]
    fn the_next_run_is_at_three_and_never_now() {
        assert_eq!(next_due(at(2, 59)), at(3, 0));
        assert_eq!(next_due(at(3, 0)), at(27, 0));
        assert_eq!(next_due(at(23, 0)), at(27, 0));
    }

    #[test]
    fn it_runs_once_a_day() {
        let mut daily = Daily::new(at(2, 59));
        assert_eq!(daily.next(at(2, 59), hour(0)), MINUTE);
        assert_eq!(daily.next(at(3, 0), hour(0)), Next::Run);
        assert_eq!(daily.next(at(3, 1), hour(0)), MINUTE);
        assert_eq!(daily.next(at(27, 0), hour(24)), Next::Run);
    }

    #[test]
    fn setting_the_clock_back_repeats_no_run_and_skips_none() {
        let mut daily = Daily::new(at(2, 59));
        assert_eq!(daily.next(at(3, 0), hour(0)), Next::Run);
        assert_eq!(daily.next(at(2, 0), hour(0)), MINUTE);
        assert_eq!(daily.next(at(3, 0), hour(1)), MINUTE, "the last run was one hour ago");
        assert_eq!(daily.next(at(27, 0), hour(25)), Next::Run);
    }

    #[test]
    fn a_clock_that_was_years_ahead_delays_a_run_by_at_most_a_day() {
        let mut daily = Daily::new(at(24 * 3650, 0));
        assert_eq!(daily.next(at(2, 58), hour(0)), MINUTE);
        assert_eq!(daily.next(at(3, 0), hour(0)), Next::Run);
    }

    #[test]
    fn setting_the_clock_forward_delays_a_run_by_at_most_a_minute() {
        let mut daily = Daily::new(at(1, 0));
        assert_eq!(daily.next(at(1, 0), hour(0)), MINUTE);
        assert_eq!(daily.next(at(5, 0), hour(0)), Next::Run);
    }
}
