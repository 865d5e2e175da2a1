use std::{
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use runtime::{Clock, Instant, Timestamp};

/// The machine's clock, and its monotonic one: tokio's, by which [`crate::TokioTimer`] sleeps too.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// The origin of all instants: the first use of this clock in the process.
static STARTED: LazyLock<tokio::time::Instant> = LazyLock::new(tokio::time::Instant::now);

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that the lint names for other code")]
    fn now(&self) -> Timestamp {
        timestamp(SystemTime::now())
    }

    fn instant(&self) -> Instant {
        Instant::from_elapsed(STARTED.elapsed())
    }
}

/// `moment` in milliseconds; saturates at the limits of the type.
pub(crate) fn timestamp(moment: SystemTime) -> Timestamp {
    let millis = match moment.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    };
    Timestamp::from_millis(millis)
}

/// `moment` as a [`SystemTime`].
pub(crate) fn system_time(moment: Timestamp) -> SystemTime {
    let distance = Duration::from_millis(moment.as_millis().unsigned_abs());
    let moved = if moment.as_millis() < 0 {
        UNIX_EPOCH.checked_sub(distance)
    } else {
        UNIX_EPOCH.checked_add(distance)
    };
    moved.unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_before_and_after_1970_are_counted_in_milliseconds() {
        assert_eq!(timestamp(UNIX_EPOCH + Duration::from_millis(1_500)), Timestamp::from_millis(1_500));
        assert_eq!(timestamp(UNIX_EPOCH - Duration::from_millis(1_500)), Timestamp::from_millis(-1_500));
    }

    #[test]
    fn a_timestamp_round_trips_through_system_time() {
        for millis in [0, 1_767_225_600_123, -1_500] {
            let moment = Timestamp::from_millis(millis);
            assert_eq!(timestamp(system_time(moment)), moment);
        }
    }

    #[test]
    fn the_clock_is_past_2025() {
        assert!(SystemClock.now() > Timestamp::from_millis(1_735_689_600_000));
    }
}
