//! Whatever is not answered with rows, in one sentence.

use http::StatusCode;
use storage::Error;
use storage_json::{BATCH_PATH, Class, Failure};
use worker_host::Misconfigured;

use crate::request::{MAX_BODY_BYTES, MAX_STATEMENTS};

/// Why a request is not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("this Worker is not set up: {0}")]
    NotSetUp(#[from] Misconfigured),
    #[error("the secret is missing or wrong: send `authorization: Bearer` and RETICLE_BRIDGE_SECRET")]
    Stranger,
    #[error("there is only {BATCH_PATH}")]
    Path,
    #[error("{BATCH_PATH} takes POST only")]
    Method,
    #[error("the body must have at most {MAX_BODY_BYTES} bytes")]
    TooLarge,
    #[error("the body ended early")]
    BodyBroke,
    #[error("the body is no batch: {0}")]
    NotABatch(serde_json::Error),
    #[error("a batch must have at most {MAX_STATEMENTS} statements, not {0}")]
    TooMany(usize),
    #[error("a read must be exactly one statement that only reads")]
    NotOneRead,
    #[error("{}", Failure::from(.0))]
    Database(#[from] Error),
}

impl Refusal {
    /// What should never happen.
    pub(crate) fn broken(error: serde_json::Error) -> Self {
        Self::Database(Error::broken(error))
    }

    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Stranger => StatusCode::UNAUTHORIZED,
            Self::Path => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyBroke | Self::NotABatch(_) | Self::TooMany(_) | Self::NotOneRead => {
                StatusCode::BAD_REQUEST
            }
            Self::Database(Error::Constraint(_)) => StatusCode::CONFLICT,
            Self::Database(Error::Unavailable(_) | Error::Overloaded(_)) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Database(Error::Full(_)) => StatusCode::INSUFFICIENT_STORAGE,
            Self::NotSetUp(_) | Self::Database(Error::Body(_) | Error::Row { .. } | Error::Broken(_)) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Database(error) => Failure::from(error).class,
            Self::NotSetUp(_)
            | Self::Stranger
            | Self::Path
            | Self::Method
            | Self::TooLarge
            | Self::BodyBroke
            | Self::NotABatch(_)
            | Self::TooMany(_)
            | Self::NotOneRead => Class::Broken,
        }
    }

    /// The answer's body.
    pub(crate) fn to_json(&self) -> String {
        let failure = Failure { error: self.to_string(), class: self.class() };
        serde_json::to_string(&failure).unwrap_or_default()
    }

    /// Tells the class alone: the database's words may have a piece of SQL in them. The caller gets them and logs them.
    pub(crate) fn log(&self) {
        let status = self.status().as_u16();
        match self {
            Self::NotSetUp(_) => tracing::error!("{self}"),
            Self::Database(_) => {
                let class = self.class();
                tracing::warn!(status, ?class, "the database refused a batch");
            }
            Self::NotABatch(_) => tracing::warn!(status, "the body is no batch"),
            _ => tracing::warn!(status, "{self}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use storage::Constraint;

    use super::*;

    #[test]
    fn a_failure_of_the_database_has_its_status_its_class_and_its_words() {
        for (error, status, json) in [
            (Error::Constraint(Constraint::Unique), 409, r#""class":"unique""#),
            (Error::unavailable("lost"), 503, r#"{"error":"lost","class":"unavailable"}"#),
            (Error::overloaded("too much"), 503, r#"{"error":"too much","class":"overloaded"}"#),
            (Error::Full("10 GB".into()), 507, r#"{"error":"10 GB","class":"full"}"#),
            (Error::broken("no such table"), 500, r#"{"error":"no such table","class":"broken"}"#),
        ] {
            let refusal = Refusal::from(error);
            assert_eq!(refusal.status(), status);
            assert!(refusal.to_json().contains(json), "{}", refusal.to_json());
        }
    }
}
