//! Maps every failure of SQLite to an [`Error`].

use storage::{Constraint, Error};

/// Result codes of SQLite (<https://www.sqlite.org/rescode.html>): primary ones, and extended ones that add detail in
/// the upper bits.
mod code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const NOMEM: i32 = 7;
    pub(super) const INTERRUPT: i32 = 9;
    pub(super) const IOERR: i32 = 10;
    pub(super) const IOERR_WRITE: i32 = 778;
    pub(super) const IOERR_TRUNCATE: i32 = 1546;
    pub(super) const IOERR_SHMSIZE: i32 = 4874;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const PROTOCOL: i32 = 15;
    pub(super) const CONSTRAINT_FOREIGNKEY: i32 = 787;
    pub(super) const CONSTRAINT: i32 = 19;
    pub(super) const CONSTRAINT_PRIMARYKEY: i32 = 1555;
    pub(super) const CONSTRAINT_TRIGGER: i32 = 1811;
    pub(super) const CONSTRAINT_UNIQUE: i32 = 2067;
    pub(super) const CONSTRAINT_ROWID: i32 = 2579;
}

/// A statement that failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// The error for the caller.
    pub(super) error: Error,
    /// SQLite may have rolled back the whole transaction, not only the statement.
    pub(super) ends_transaction: bool,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let ends_transaction = extended_code(&error).is_none_or(|code| ends_transaction(primary(code)));
        Self { error: classify(error), ends_transaction }
    }
}

impl From<Error> for Failure {
    /// A failure outside SQLite.
    fn from(error: Error) -> Self {
        Self { error, ends_transaction: false }
    }
}

/// Whether another connection holds the lock.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    extended_code(error).is_some_and(|code| primary(code) == code::BUSY)
}

/// Maps a failure to its class.
pub(super) fn classify(error: sqlx::Error) -> Error {
    let Some(code) = extended_code(&error) else {
        // The thread of the connection has ended: the next call opens a new connection.
        return Error::unavailable(error);
    };
    match (code, primary(code)) {
        (code::IOERR_WRITE | code::IOERR_TRUNCATE | code::IOERR_SHMSIZE, _) | (_, code::FULL) => {
            Error::Full(Box::new(error))
        }
        (_, code::CONSTRAINT) => Error::Constraint(constraint(code, &error)),
        // The deadline stopped a read that ran for too long.
        (_, code::INTERRUPT) => Error::overloaded(error),
        (_, code::BUSY | code::LOCKED | code::NOMEM | code::CANTOPEN | code::PROTOCOL) => {
            Error::unavailable(error)
        }
        _ => Error::broken(error),
    }
}

fn constraint(code: i32, error: &sqlx::Error) -> Constraint {
    // SQLite implements `ON DELETE RESTRICT` as a trigger, and only the message distinguishes it.
    let restrict = || error.as_database_error().is_some_and(|e| e.message().starts_with("FOREIGN KEY"));
    match code {
        code::CONSTRAINT_PRIMARYKEY | code::CONSTRAINT_UNIQUE | code::CONSTRAINT_ROWID => Constraint::Unique,
        code::CONSTRAINT_FOREIGNKEY => Constraint::ForeignKey,
        code::CONSTRAINT_TRIGGER if restrict() => Constraint::ForeignKey,
        _ => Constraint::Check,
    }
}

/// The codes after which SQLite may roll back by itself (<https://www.sqlite.org/lang_transaction.html>).
const fn ends_transaction(primary: i32) -> bool {
    matches!(primary, code::FULL | code::IOERR | code::NOMEM | code::BUSY | code::INTERRUPT)
}

fn extended_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

const fn primary(code: i32) -> i32 {
    code & 0xff
}
