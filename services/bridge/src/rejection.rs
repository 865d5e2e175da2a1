//! The errors of the bridge, with their HTTP status and JSON.

use http::StatusCode;
use storage::Error;
use storage_json::{BATCH_PATH, Class, Failure};
use worker_host::Misconfigured;

use crate::request::{MAX_BODY_BYTES, MAX_STATEMENTS};

/// Why a request fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Rejection {
    #[error("this Worker is not configured: {0}")]
    NotConfigured(#[from] Misconfigured),
    #[error("the secret is missing or wrong: send `authorization: Bearer` with RETICLE_BRIDGE_SECRET")]
    WrongSecret,
    #[error("unknown path: the only path is {BATCH_PATH}")]
    Path,
    #[error("{BATCH_PATH} accepts only POST")]
    Method,
    #[error("the body must have at most {MAX_BODY_BYTES} bytes: send smaller batches")]
    TooLarge,
    #[error("the body is incomplete")]
    BodyIncomplete,
    #[error("the body is not a valid batch: {0}")]
    InvalidBatch(serde_json::Error),
    #[error("a batch must have at most {MAX_STATEMENTS} statements, not {0}")]
    TooManyStatements(usize),
    #[error("a read must have exactly one statement, which must not write")]
    NotOneRead,
    #[error("{}", Failure::from(.0))]
    Database(#[from] Error),
}

impl Rejection {
    /// The result could not be encoded, which should never happen.
    pub(crate) fn broken(error: serde_json::Error) -> Self {
        Self::Database(Error::broken(error))
    }

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::WrongSecret => StatusCode::UNAUTHORIZED,
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyIncomplete | Self::InvalidBatch(_) | Self::TooManyStatements(_) | Self::NotOneRead => {
                StatusCode::BAD_REQUEST
            }
            Self::Database(Error::Constraint(_)) => StatusCode::CONFLICT,
            Self::Database(Error::Unavailable(_) | Error::Overloaded(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Database(Error::Full(_)) => StatusCode::INSUFFICIENT_STORAGE,
            Self::NotConfigured(_)
            | Self::Database(Error::Body(_) | Error::Row { .. } | Error::Broken(_)) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Database(error) => Failure::from(error).class,
            Self::NotConfigured(_)
            | Self::WrongSecret
            | Self::Path
            | Self::Method
            | Self::TooLarge
            | Self::BodyIncomplete
            | Self::InvalidBatch(_)
            | Self::TooManyStatements(_)
            | Self::NotOneRead => Class::Broken,
        }
    }

    /// The body of the response.
    pub(crate) fn to_json(&self) -> String {
        let failure = Failure { error: self.to_string(), class: self.class() };
        serde_json::to_string(&failure).unwrap_or_default()
    }

    /// Logs only the class of a database error: its message may contain SQL. The caller receives the message and logs it.
    pub(crate) fn log(&self) {
        let status = self.status().as_u16();
        match self {
            Self::NotConfigured(_) => tracing::error!("{self}"),
            Self::Database(_) => {
                let class = self.class();
                tracing::warn!(status, ?class, "the database rejected a batch");
            }
            Self::InvalidBatch(_) => tracing::warn!(status, "the body is not a valid batch"),
            _ => tracing::warn!(status, "{self}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use storage::Constraint;

    use super::*;

    #[test]
    fn a_database_error_has_a_status_a_class_and_its_message() {
        for (error, status, json) in [
            (Error::Constraint(Constraint::Unique), 409, r#""class":"unique""#),
            (Error::unavailable("lost"), 503, r#"{"error":"lost","class":"unavailable"}"#),
            (Error::overloaded("too much"), 503, r#"{"error":"too much","class":"overloaded"}"#),
            (Error::Full("10 GB".into()), 507, r#"{"error":"10 GB","class":"full"}"#),
            (Error::broken("no such table"), 500, r#"{"error":"no such table","class":"broken"}"#),
        ] {
            let rejection = Rejection::from(error);
            assert_eq!(rejection.status(), status);
            assert!(rejection.to_json().contains(json), "{}", rejection.to_json());
        }
    }
}
