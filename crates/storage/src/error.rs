//! The failures of a port, in the classes that a service handles differently.

use std::error::Error as StdError;

/// The result of a port's method.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure of an adapter. Each adapter maps every failure of its back end to one of these, in one place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The statement violated a constraint of the schema; nothing of its batch was written.
    #[error("a {0:?} constraint rejected the write")]
    Constraint(Constraint),

    /// The back end cannot be reached, is busy or restarts. Whether a write took place is not known; retry later.
    #[error("the back end is not available")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),

    /// The back end has too many calls, and a retry would add to them. Whether a write took place is not known; retry only
    /// after a long pause.
    #[error("the back end is overloaded")]
    Overloaded(#[source] Box<dyn StdError + Send + Sync>),

    /// The disk or the account's quota is full; nothing was written.
    #[error("the back end is full")]
    Full(#[source] Box<dyn StdError + Send + Sync>),

    /// The sender of a body failed, stopped early, or sent another number of bytes than announced; nothing was stored.
    #[error("the body is not complete, or has another size than announced")]
    Body(#[source] Box<dyn StdError + Send + Sync>),

    /// A row does not have the column, or the column has another type: the code and the schema disagree.
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

/// A cause that every client may see: it states what happened and what to do, and contains no path or host name. An adapter
/// sets it as the source of an [`Error`]; the readiness check reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PlainCause(pub &'static str);

/// The kind of constraint that rejected a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// A primary key or unique index already has the value.
    Unique,
    /// The row refers to one that does not exist, or another row refers to it.
    ForeignKey,
    /// A `CHECK` or `NOT NULL` constraint.
    Check,
}

impl Error {
    /// Wraps a temporary failure.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }

    /// Wraps a failure that ends when the back end has less load.
    pub fn overloaded(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Overloaded(source.into())
    }

    /// The [`PlainCause`] of this failure, if the adapter set one.
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

    /// Wraps a permanent failure.
    pub fn broken(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Broken(source.into())
    }
}
