//! The one place where whatever goes wrong on the way to a bridge becomes an [`Error`].

use http::StatusCode;
use storage::Error;

/// A call that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) sent: Sent,
    /// The status of an answer that no bridge gives to who knows its secret.
    pub(super) foreign: Option<StatusCode>,
}

/// How far the call got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// There was no connection: nothing was sent.
    Never,
    /// It may have been carried out.
    Perhaps,
    /// The bridge has answered, and has tried again by itself what may be tried again.
    Answered,
}

/// An answer that no bridge gives by itself.
#[derive(Debug, thiserror::Error)]
enum Strange {
    #[error("the bridge refuses the secret (RETICLE_BRIDGE_SECRET)")]
    Secret,
    #[error("the bridge answered {0}")]
    Status(StatusCode),
    #[error("the bridge has too many calls of this process to answer")]
    NoTurn,
    #[error("the bridge does not answer")]
    NoAnswer,
}

impl Failure {
    /// There is no answer, because of this.
    pub(super) fn transport(cause: hyper_util::client::legacy::Error) -> Self {
        let sent = if cause.is_connect() { Sent::Never } else { Sent::Perhaps };
        Self { error: Error::unavailable(cause), sent, foreign: None }
    }

    /// The answer broke off, or is longer than any answer may be.
    pub(super) fn broken_off(cause: Box<dyn std::error::Error + Send + Sync>) -> Self {
        let error = match cause.downcast::<http_body_util::LengthLimitError>() {
            Ok(too_long) => Error::Broken(too_long),
            Err(cause) => Error::unavailable(cause),
        };
        Self { error, sent: Sent::Perhaps, foreign: None }
    }

    /// The answer of `status` whose body is `body`.
    pub(super) fn answered(status: StatusCode, body: &[u8]) -> Self {
        match serde_json::from_slice::<storage_json::Failure>(body) {
            Ok(failure) if status != StatusCode::UNAUTHORIZED => {
                Self { error: failure.into(), sent: Sent::Answered, foreign: None }
            }
            _ => Self::foreign(status),
        }
    }

    /// The answer of `status` is not of a bridge: something stands in front of it, or in its place.
    pub(super) fn foreign(status: StatusCode) -> Self {
        let strange = Strange::Status(status);
        let (error, sent) = match status {
            // The secret may be replaced while both run: whoever waits for that is right.
            StatusCode::UNAUTHORIZED => (Error::unavailable(Strange::Secret), Sent::Answered),
            StatusCode::TOO_MANY_REQUESTS => (Error::overloaded(strange), Sent::Answered),
            _ if status.is_server_error() => (Error::unavailable(strange), Sent::Perhaps),
            _ => (Error::broken(strange), Sent::Answered),
        };
        Self { error, sent, foreign: Some(status) }
    }

    /// Too many other calls are under way.
    pub(super) fn no_turn() -> Self {
        Self { error: Error::overloaded(Strange::NoTurn), sent: Sent::Never, foreign: None }
    }

    /// There was no answer in time. Another call would add to what is wrong.
    pub(super) fn no_answer() -> Self {
        Self { error: Error::overloaded(Strange::NoAnswer), sent: Sent::Answered, foreign: None }
    }

    /// What was said is not what either side says.
    pub(super) fn unreadable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { error: Error::broken(cause), sent: Sent::Answered, foreign: None }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

#[cfg(test)]
mod tests {
    use storage::Constraint;

    use super::*;

    fn answered(status: u16, body: &str) -> Failure {
        Failure::answered(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn an_answer_of_the_bridge_keeps_its_class_and_is_final() {
        let failure = answered(409, r#"{"error":"a Unique constraint refused the write","class":"unique"}"#);
        assert!(matches!(failure.error, Error::Constraint(Constraint::Unique)));
        let failure = answered(503, r#"{"error":"D1 DB is overloaded","class":"overloaded"}"#);
        assert!(
            matches!(failure.error, Error::Overloaded(cause) if cause.to_string() == "D1 DB is overloaded")
        );
        assert_eq!(failure.sent, Sent::Answered);
    }

    #[test]
    fn an_answer_from_elsewhere_is_of_the_class_of_its_status() {
        for status in [500, 502, 503, 530] {
            let failure = answered(status, "<html>error code: 1101</html>");
            assert!(matches!(failure.error, Error::Unavailable(_)), "{status}");
            assert_eq!(failure.sent, Sent::Perhaps, "{status}");
        }
        assert!(matches!(answered(429, "").error, Error::Overloaded(_)));
        assert!(matches!(answered(404, "").error, Error::Broken(_)));
        assert!(matches!(answered(401, "").error, Error::Unavailable(_)));
    }
}
