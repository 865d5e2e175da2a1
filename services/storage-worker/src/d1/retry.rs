//! Whether a call that failed is made again, and when.

use std::time::Duration;

use storage::Backoff;

use super::failure::{Again, Class, Failure};

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
    backoff: Backoff,
}

impl Retries {
    pub(super) fn of(call: Call) -> Self {
        Self { call, backoff: Backoff::default() }
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
        if again { self.backoff.next_pause(random) } else { None }
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
