//! Whether a call that failed is made again, and when.

use std::time::Duration;

use super::failure::{Again, Class, Failure};

/// How often a call is made at most.
const ATTEMPTS: u32 = 3;

/// The pause before the second attempt; each later one is [`GROWTH`] times as long. Up to half of a pause is left to
/// chance, so that callers who failed together do not come back together.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const GROWTH: u32 = 4;

/// What a call may have done when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Read,
    Write,
}

/// The attempts of one call.
#[derive(Debug)]
pub(super) struct Retries {
    call: Call,
    left: u32,
    pause: Duration,
}

impl Retries {
    pub(super) const fn of(call: Call) -> Self {
        Self { call, left: ATTEMPTS - 1, pause: FIRST_PAUSE }
    }

    /// How long to wait before the call is made again, or `None` if it is not. `random` is any number.
    pub(super) fn pause_after(&mut self, failure: &Failure, random: u8) -> Option<Duration> {
        let again = match failure.class {
            Class::Unavailable(Again::AnyCall) => true,
            Class::Unavailable(Again::Reads) => self.call == Call::Read,
            Class::Unavailable(Again::Never)
            | Class::Constraint(_)
            | Class::Full
            | Class::Bookmark
            | Class::Broken => false,
        };
        if !again {
            return None;
        }
        self.left = self.left.checked_sub(1)?;
        let pause = self.pause;
        self.pause *= GROWTH;
        Some(pause - pause * u32::from(random) / 512)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promise::Thrown;

    fn failure(text: &str) -> Failure {
        Thrown(text.to_owned()).into()
    }

    /// How long the pauses are when every attempt fails in the same way.
    fn pauses(call: Call, text: &str, random: u8) -> Vec<u128> {
        let mut retries = Retries::of(call);
        std::iter::from_fn(|| retries.pause_after(&failure(text), random)).map(|p| p.as_millis()).collect()
    }

    #[test]
    fn a_read_is_made_three_times_with_growing_pauses() {
        assert_eq!(pauses(Call::Read, "Network connection lost", 0), [100, 400]);
        assert_eq!(pauses(Call::Read, "Network connection lost", 255), [50, 200]);
    }

    #[test]
    fn a_write_is_made_again_only_if_nothing_ran() {
        assert_eq!(pauses(Call::Write, "Network connection lost", 0), []);
        assert_eq!(pauses(Call::Write, "caused object to be reset", 0), []);
        assert_eq!(pauses(Call::Write, "Cannot resolve D1 DB", 0), [100, 400]);
    }

    #[test]
    fn a_database_that_has_too_much_to_do_is_left_alone() {
        for call in [Call::Read, Call::Write] {
            for text in ["overloaded", "exceeded timeout", "CPU time limit", "memory limit"] {
                assert_eq!(pauses(call, text, 0), [], "{call:?}: {text}");
            }
        }
        assert_eq!(Retries::of(Call::Read).pause_after(&Failure::no_answer(), 0), None);
    }

    #[test]
    fn what_would_fail_again_is_not_tried_again() {
        for text in ["UNIQUE constraint failed", "SQLITE_FULL", "syntax error"] {
            assert_eq!(pauses(Call::Read, text, 0), [], "{text}");
        }
    }
}
