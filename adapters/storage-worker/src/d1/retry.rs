//! Decides whether and when a failed call is retried.

use std::time::Duration;

use runtime::Backoff;

use super::failure::{Class, Failure, Retry};

/// The kind of a call: a write may have taken place although it failed.
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

    /// How long to wait before the call is retried, or `None` if it must not be. `random` is a random byte.
    pub(super) fn pause_after(&mut self, failure: &Failure, random: u8) -> Option<Duration> {
        let may_retry = match failure.class {
            Class::Unavailable(Retry::AnyCall) => true,
            Class::Unavailable(Retry::Reads) => self.call == Call::Read,
            Class::Unavailable(Retry::Never)
            | Class::Constraint(_)
            | Class::Full
            | Class::Bookmark
            | Class::Broken => false,
        };
        if may_retry { self.backoff.next_pause(random) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promise::Thrown;

    fn failure(text: &str) -> Failure {
        Thrown(text.to_owned()).into()
    }

    /// The pauses, in milliseconds, when every attempt fails in the same way.
    fn pauses(call: Call, text: &str, random: u8) -> Vec<u128> {
        let mut retries = Retries::of(call);
        std::iter::from_fn(|| retries.pause_after(&failure(text), random)).map(|p| p.as_millis()).collect()
    }

    #[test]
    fn a_read_has_three_attempts_with_growing_pauses() {
        assert_eq!(pauses(Call::Read, "Network connection lost", 0), [100, 400]);
        assert_eq!(pauses(Call::Read, "Network connection lost", 255), [50, 200]);
    }

    #[test]
    fn a_write_is_retried_only_if_nothing_ran() {
        assert_eq!(pauses(Call::Write, "Network connection lost", 0), []);
        assert_eq!(pauses(Call::Write, "caused object to be reset", 0), []);
        assert_eq!(pauses(Call::Write, "Cannot resolve D1 DB", 0), [100, 400]);
    }

    #[test]
    fn a_call_to_an_overloaded_database_is_not_retried() {
        for call in [Call::Read, Call::Write] {
            for text in ["overloaded", "exceeded timeout", "CPU time limit", "memory limit"] {
                assert_eq!(pauses(call, text, 0), [], "{call:?}: {text}");
            }
        }
        assert_eq!(Retries::of(Call::Read).pause_after(&Failure::timeout(), 0), None);
    }

    #[test]
    fn a_permanent_failure_is_not_retried() {
        for text in ["UNIQUE constraint failed", "SQLITE_FULL", "syntax error"] {
            assert_eq!(pauses(Call::Read, text, 0), [], "{text}");
        }
    }
}
