//! The daily clean-up.

use std::time::Duration;

use storage::{Clock, Timestamp};

/// The hour (UTC) of the clean-up: the same as the Workers' cron trigger.
const CLEANUP_HOUR: i64 = 3;
const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// Runs `job` every day at 03:00 UTC, for ever.
pub(crate) async fn daily<J: Future<Output = ()>>(clock: impl Clock, mut job: impl FnMut() -> J) {
    loop {
        tokio::time::sleep(until_next(clock.now())).await;
        job().await;
    }
}

fn until_next(now: Timestamp) -> Duration {
    let into_day = (now.as_seconds() - CLEANUP_HOUR * 60 * 60).rem_euclid(SECONDS_A_DAY);
    Duration::from_secs((SECONDS_A_DAY - into_day).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_clean_up_is_at_three_and_never_now() {
        let at = |hours: i64, minutes: i64| {
            until_next(Timestamp::from_millis((20_000 * SECONDS_A_DAY + hours * 3600 + minutes * 60) * 1000))
        };
        assert_eq!(at(2, 59), Duration::from_secs(60));
        assert_eq!(at(3, 0), Duration::from_secs(24 * 3600));
        assert_eq!(at(23, 0), Duration::from_secs(4 * 3600));
    }
}
