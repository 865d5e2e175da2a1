//! What can go wrong behind a port, in the classes that a service answers differently.

use std::error::Error as StdError;

/// The result of a port's method.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of an adapter. Adapters translate every failure of their back end into one of these, in one place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The statement broke a constraint of the schema; nothing of its batch was written.
    #[error("a {0:?} constraint refused the write")]
    Constraint(Constraint),

    /// The back end is away, too busy or restarting. Whether a write took place is not known; try again later.
    #[error("the back end is not available")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),

    /// The back end has more to do than it can, and another call would add to it. Whether a write took place is not
    /// known; try again after a good while.
    #[error("the back end is overloaded")]
    Overloaded(#[source] Box<dyn StdError + Send + Sync>),

    /// There is no room left on the disk or in the account; nothing was written.
    #[error("the back end is full")]
    Full(#[source] Box<dyn StdError + Send + Sync>),

    /// The sender of a body failed or stopped before its end; nothing was stored.
    #[error("the body ended early")]
    Body(#[source] Box<dyn StdError + Send + Sync>),

    /// A row does not have the column, or not with that type: the code and the schema disagree.
    #[error("column {column}: {problem}")]
    Row {
        /// The column that was asked for.
        column: String,
        /// What is wrong with it.
        problem: &'static str,
    },

    /// Anything else: a bug or a broken back end.
    #[error("the back end failed")]
    Broken(#[source] Box<dyn StdError + Send + Sync>),
}

/// A cause that may be shown to anybody: it says what happened and what to do, and names nothing of the machine. An adapter
/// puts it below an [`Error`]; readiness shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlainCause(pub &'static str);

/// The kind of constraint that refused a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// A primary key or unique index already has the value.
    Unique,
    /// The row refers to one that does not exist, or another refers to it.
    ForeignKey,
    /// A `CHECK` or `NOT NULL`.
    Check,
}

impl Error {
    /// Wraps a failure that may pass.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Wraps a failure that passes once there is less to do.
    pub fn overloaded(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Overloaded(source.into())
    }

    /// The [`PlainCause`] of this failure, if an adapter gave one.
    #[must_use]
    pub fn plain_cause(&self) -> Option<PlainCause> {
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            if let Some(plain) = error.downcast_ref::<PlainCause>() {
                return Some(*plain);
            }
            cause = error.source();
        }
        None
    }

    /// Wraps a failure that will not.
    pub fn broken(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Broken(source.into())
    }
}
