//! A failure as JSON, with its class.

use std::error::Error as _;

use serde::{Deserialize, Serialize};
use storage::{Constraint, Error};

/// An [`Error`] as JSON. The receiver gets an error of the same class.
#[derive(Debug, Deserialize, Serialize, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// What happened: the message of the back end.
    pub error: String,
    /// The class of the error.
    pub class: Class,
}

/// The variants of [`Error`] that a database returns.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// [`Constraint::Unique`]
    Unique,
    /// [`Constraint::ForeignKey`]
    ForeignKey,
    /// [`Constraint::Check`]
    Check,
    /// [`Error::Unavailable`]
    Unavailable,
    /// [`Error::Overloaded`]
    Overloaded,
    /// [`Error::Full`]
    Full,
    /// [`Error::Broken`]
    Broken,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let class = match error {
            Error::Constraint(Constraint::Unique) => Class::Unique,
            Error::Constraint(Constraint::ForeignKey) => Class::ForeignKey,
            Error::Constraint(Constraint::Check) => Class::Check,
            Error::Unavailable(_) => Class::Unavailable,
            Error::Overloaded(_) => Class::Overloaded,
            Error::Full(_) => Class::Full,
            Error::Body(_) | Error::Row { .. } | Error::Broken(_) => Class::Broken,
        };
        let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        Self { error: text, class }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure.class {
            Class::Unique => Self::Constraint(Constraint::Unique),
            Class::ForeignKey => Self::Constraint(Constraint::ForeignKey),
            Class::Check => Self::Constraint(Constraint::Check),
            Class::Unavailable => Self::unavailable(failure),
            Class::Overloaded => Self::overloaded(failure),
            Class::Full => Self::Full(failure.into()),
            Class::Broken => Self::broken(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_round_trips_with_the_message_of_its_cause() {
        for (error, class) in [
            (Error::Constraint(Constraint::Unique), "unique"),
            (Error::Constraint(Constraint::ForeignKey), "foreign_key"),
            (Error::Constraint(Constraint::Check), "check"),
            (Error::unavailable("lost"), "unavailable"),
            (Error::overloaded("too much"), "overloaded"),
            (Error::Full("10 GB".into()), "full"),
            (Error::broken("no such table"), "broken"),
        ] {
            let json = serde_json::to_string(&Failure::from(&error)).unwrap();
            assert!(json.contains(&format!("\"class\":\"{class}\"")), "{json}");
            let back = Error::from(serde_json::from_str::<Failure>(&json).unwrap());
            assert_eq!(back.to_string(), error.to_string());
            let cause = |error: &Error| error.source().map(ToString::to_string);
            assert_eq!(cause(&back), cause(&error));
        }
    }
}
