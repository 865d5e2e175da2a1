//! Maps everything that D1 throws to an [`Error`]. D1's failures differ only in their text
//! (<https://developers.cloudflare.com/d1/observability/debug-d1/#error-list>).

use storage::{Constraint, Error, Retry};

use super::CALL_TIMEOUT;
use crate::promise::Thrown;

/// A call that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) class: Class,
    cause: Thrown,
}

/// The class of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Constraint(Constraint),
    Full,
    Unavailable(Retry),
    /// D1 does not know the bookmark that the session starts at.
    Bookmark,
    Broken,
}

/// Parts of D1's messages and their classes. The first part that is in a message decides.
const TEXTS: &[(&str, Class)] = &[
    ("UNIQUE constraint failed", Class::Constraint(Constraint::Unique)),
    ("FOREIGN KEY constraint failed", Class::Constraint(Constraint::ForeignKey)),
    ("SQLITE_CONSTRAINT", Class::Constraint(Constraint::Check)),
    ("CHECK constraint failed", Class::Constraint(Constraint::Check)),
    ("NOT NULL constraint failed", Class::Constraint(Constraint::Check)),
    ("SQLITE_FULL", Class::Full),
    ("database or disk is full", Class::Full),
    ("maximum DB size", Class::Full),
    ("maximum database size", Class::Full),
    ("maximum account storage", Class::Full),
    ("overloaded", Class::Unavailable(Retry::Never)),
    ("exceeded timeout", Class::Unavailable(Retry::Never)),
    ("CPU time limit", Class::Unavailable(Retry::Never)),
    ("memory limit", Class::Unavailable(Retry::Never)),
    ("SQLITE_NOMEM", Class::Unavailable(Retry::Never)),
    ("Internal error while starting up D1 DB", Class::Unavailable(Retry::AnyCall)),
    ("Cannot resolve D1 DB", Class::Unavailable(Retry::AnyCall)),
    ("caused object to be reset", Class::Unavailable(Retry::Reads)),
    ("reset because its code was updated", Class::Unavailable(Retry::Reads)),
    ("Network connection lost", Class::Unavailable(Retry::Reads)),
    ("client disconnected", Class::Unavailable(Retry::Reads)),
    ("internal error", Class::Unavailable(Retry::Reads)),
    ("Failed to parse body as JSON", Class::Unavailable(Retry::Reads)),
    ("SQLITE_BUSY", Class::Unavailable(Retry::Reads)),
    ("SQLITE_LOCKED", Class::Unavailable(Retry::Reads)),
    ("SQLITE_INTERRUPT", Class::Unavailable(Retry::Reads)),
    ("bookmark", Class::Bookmark),
    ("Bookmark", Class::Bookmark),
    ("commit token", Class::Bookmark),
];

fn classify(text: &str) -> Class {
    TEXTS.iter().find(|(part, _)| text.contains(part)).map_or(Class::Broken, |(_, class)| *class)
}

impl Failure {
    /// D1 did not respond within the timeout.
    pub(super) fn timeout() -> Self {
        let problem = format!("D1 did not respond within {} s", CALL_TIMEOUT.as_secs());
        Self { class: Class::Unavailable(Retry::Never), cause: Thrown(problem) }
    }

    /// Which calls may be retried after this failure.
    pub(super) const fn retry(&self) -> Retry {
        match self.class {
            Class::Unavailable(retry) => retry,
            Class::Constraint(_) | Class::Full | Class::Bookmark | Class::Broken => Retry::Never,
        }
    }
}

impl From<Thrown> for Failure {
    fn from(cause: Thrown) -> Self {
        Self { class: classify(&cause.0), cause }
    }
}

impl From<Failure> for Error {
    fn from(Failure { class, cause }: Failure) -> Self {
        match class {
            Class::Constraint(constraint) => Self::Constraint(constraint),
            Class::Full => Self::Full(Box::new(cause)),
            Class::Unavailable(Retry::Never) => Self::overloaded(cause),
            Class::Unavailable(Retry::AnyCall | Retry::Reads) => Self::unavailable(cause),
            Class::Bookmark | Class::Broken => Self::broken(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Class::*, Retry::*, *};

    #[test]
    fn every_message_of_d1_has_its_class() {
        let reset = |text| (text, Unavailable(Reads));
        let nothing_ran = |text| (text, Unavailable(AnyCall));
        let too_much = |text| (text, Unavailable(Never));
        for (text, class) in [
            (
                "D1_ERROR: UNIQUE constraint failed: images.id: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)",
                Constraint(storage::Constraint::Unique),
            ),
            ("D1_ERROR: UNIQUE constraint failed: images.r2_key", Constraint(storage::Constraint::Unique)),
            (
                "D1_ERROR: FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)",
                Constraint(storage::Constraint::ForeignKey),
            ),
            (
                "D1_ERROR: CHECK constraint failed: score >= 0: SQLITE_CONSTRAINT",
                Constraint(storage::Constraint::Check),
            ),
            ("D1_ERROR: NOT NULL constraint failed: images.filename", Constraint(storage::Constraint::Check)),
            ("D1_ERROR: database or disk is full: SQLITE_FULL", Full),
            ("D1_ERROR: Exceeded maximum DB size", Full),
            reset("D1_ERROR: D1 DB reset because its code was updated."),
            nothing_ran(
                "D1_ERROR: Internal error while starting up D1 DB storage caused object to be reset.",
            ),
            reset("D1_ERROR: Network connection lost."),
            reset("D1_ERROR: Internal error in D1 DB storage caused object to be reset."),
            nothing_ran("D1_ERROR: Cannot resolve D1 DB due to transient issue on remote node."),
            reset("D1_ERROR: Can't read from request stream because client disconnected."),
            reset("D1_ERROR: internal error; reference = 0123456789abcdef"),
            reset("D1_ERROR: Failed to parse body as JSON, got: error code: 1031"),
            too_much("D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset."),
            too_much("D1_ERROR: D1 DB is overloaded. Requests queued for too long."),
            too_much("D1_ERROR: D1 DB is overloaded. Too many requests queued."),
            too_much("D1_ERROR: D1 DB's isolate exceeded its memory limit and was reset."),
            too_much("D1_ERROR: D1 DB exceeded its CPU time limit and was reset."),
            ("D1_ERROR: no such table: nowhere: SQLITE_ERROR", Broken),
            ("D1_ERROR: near \"INSERTZ\": syntax error at offset 0: SQLITE_ERROR", Broken),
            ("D1_TYPE_ERROR: Type 'undefined' not supported for value 'undefined'", Broken),
            ("D1_ERROR: string or blob too big: SQLITE_TOOBIG", Broken),
            ("D1_ERROR: Invalid bookmark", Bookmark),
            ("", Broken),
        ] {
            assert_eq!(classify(text), class, "{text}");
        }
    }

    #[test]
    fn only_a_temporary_failure_without_overload_may_be_retried() {
        let retry = |text: &str| Failure::from(Thrown(text.to_owned())).retry();
        for text in ["Network connection lost", "caused object to be reset"] {
            assert_eq!(retry(text), Reads, "{text}");
        }
        assert_eq!(retry("Cannot resolve D1 DB"), AnyCall);
        for text in ["overloaded", "exceeded timeout", "CPU time limit", "memory limit"] {
            assert_eq!(retry(text), Never, "{text}");
        }
        for text in ["UNIQUE constraint failed", "SQLITE_FULL", "Invalid bookmark", "syntax error"] {
            assert_eq!(retry(text), Never, "{text}");
        }
        assert_eq!(Failure::timeout().retry(), Never);
    }

    #[test]
    fn a_class_becomes_the_error_of_its_name_with_the_message_as_its_cause() {
        let error = |text: &str| Error::from(Failure::from(Thrown(text.to_owned())));
        assert!(matches!(error("UNIQUE constraint failed"), Error::Constraint(storage::Constraint::Unique)));
        assert!(matches!(error("SQLITE_FULL"), Error::Full(cause) if cause.to_string() == "SQLITE_FULL"));
        assert!(matches!(error("overloaded"), Error::Overloaded(cause) if cause.to_string() == "overloaded"));
        assert!(matches!(error("Network connection lost"), Error::Unavailable(_)));
        assert!(matches!(error("anything else"), Error::Broken(_)));
        assert!(matches!(Error::from(Failure::timeout()), Error::Overloaded(_)));
    }
}
