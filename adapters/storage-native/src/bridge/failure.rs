//! Maps every failure of a call to a bridge to an [`Error`].

use http::StatusCode;
use storage::{Error, Retry};

use super::{CALL_TIMEOUT, MAX_CALLS, MAX_WAIT};

/// A call that failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    /// [`Retry::Never`] also where the bridge itself has already made all retries that are safe.
    pub(super) retry: Retry,
    /// The status of a response that is not from a bridge, or of a bridge that rejected the secret.
    pub(super) foreign_status: Option<StatusCode>,
}

/// A failure that a bridge does not report itself.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the bridge rejects the secret: check RETICLE_BRIDGE_SECRET")]
    Secret,
    #[error("the bridge responded with status {0}")]
    Status(StatusCode),
    #[error(
        "{MAX_CALLS} calls to the bridge are running, or the share of one caller in them; this call waited {} s for its turn",
        MAX_WAIT.as_secs()
    )]
    TooManyCalls,
    #[error("the bridge did not respond within {} s", CALL_TIMEOUT.as_secs())]
    Timeout,
}

impl Failure {
    /// The request failed before there was a response.
    pub(super) fn transport(cause: hyper_util::client::legacy::Error) -> Self {
        // Without a connection, nothing was sent.
        let retry = if cause.is_connect() { Retry::AnyCall } else { Retry::Reads };
        Self { error: Error::unavailable(cause), retry, foreign_status: None }
    }

    /// The response body ended early, or is larger than the limit.
    pub(super) fn incomplete_body(cause: Box<dyn std::error::Error + Send + Sync>) -> Self {
        let error = match cause.downcast::<http_body_util::LengthLimitError>() {
            Ok(too_long) => Error::Broken(too_long),
            Err(cause) => Error::unavailable(cause),
        };
        Self { error, retry: Retry::Reads, foreign_status: None }
    }

    /// The failure in a response of the bridge.
    pub(super) fn from_response(status: StatusCode, body: &[u8]) -> Self {
        match serde_json::from_slice::<storage_json::Failure>(body) {
            Ok(failure) if status != StatusCode::UNAUTHORIZED => {
                Self { error: failure.into(), retry: Retry::Never, foreign_status: None }
            }
            _ => Self::not_from_bridge(status),
        }
    }

    /// The response is not from a bridge, but from a proxy before it or from another server at its address.
    pub(super) fn not_from_bridge(status: StatusCode) -> Self {
        let error = CallError::Status(status);
        let (error, retry) = match status {
            // The secret may be replaced while both run, so the failure may be temporary.
            StatusCode::UNAUTHORIZED => (Error::unavailable(CallError::Secret), Retry::Never),
            StatusCode::TOO_MANY_REQUESTS => (Error::overloaded(error), Retry::Never),
            _ if status.is_server_error() => (Error::unavailable(error), Retry::Reads),
            _ => (Error::broken(error), Retry::Never),
        };
        Self { error, retry, foreign_status: Some(status) }
    }

    /// Too many other calls are running, of all callers or of this one.
    pub(super) fn too_many_calls() -> Self {
        Error::overloaded(CallError::TooManyCalls).into()
    }

    /// There was no response in time. It counts as overload: a retry would add to it.
    pub(super) fn timeout() -> Self {
        Error::overloaded(CallError::Timeout).into()
    }

    /// The request or the response violates the protocol of the bridge.
    pub(super) fn invalid_message(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Error::broken(cause).into()
    }
}

impl From<Error> for Failure {
    /// A failure outside the call itself, which a retry would not help.
    fn from(error: Error) -> Self {
        Self { error, retry: Retry::Never, foreign_status: None }
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

    fn response(status: u16, body: &str) -> Failure {
        Failure::from_response(StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn a_response_of_the_bridge_keeps_its_class_and_is_final() {
        let failure = response(409, r#"{"error":"a Unique constraint rejected the write","class":"unique"}"#);
        assert!(matches!(failure.error, Error::Constraint(Constraint::Unique)));
        let failure = response(503, r#"{"error":"D1 DB is overloaded","class":"overloaded"}"#);
        assert!(
            matches!(failure.error, Error::Overloaded(cause) if cause.to_string() == "D1 DB is overloaded")
        );
        assert_eq!(failure.retry, Retry::Never);
    }

    #[test]
    fn a_response_of_another_server_gets_its_class_from_its_status() {
        for status in [500, 502, 503, 530] {
            let failure = response(status, "<html>error code: 1101</html>");
            assert!(matches!(failure.error, Error::Unavailable(_)), "{status}");
            assert_eq!(failure.retry, Retry::Reads, "{status}");
        }
        assert!(matches!(response(429, "").error, Error::Overloaded(_)));
        assert!(matches!(response(404, "").error, Error::Broken(_)));
        assert!(matches!(response(401, "").error, Error::Unavailable(_)));
    }
}
