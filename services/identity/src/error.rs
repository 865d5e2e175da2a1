//! Why a token is refused, and what the client is told.

use tonic::{
    Code, Status,
    metadata::{Ascii, MetadataValue},
};

use crate::{Denied, LEEWAY_SECONDS, MAX_TOKEN_BYTES};

/// Where the challenge of RFC 6750 section 3 goes, in gRPC metadata as in HTTP headers.
const CHALLENGE: &str = "www-authenticate";

/// Why a token is not accepted. The sentence of each is for the client; none of them tells anything about our keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is an `authorization` header, but not one of the form `Bearer …`, or there are several.
    #[error("The token is not valid: `authorization` must be sent once, as `Bearer …`")]
    NotBearer,
    /// It is longer than [`MAX_TOKEN_BYTES`].
    #[error("The token is not valid: it is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// It is not three base64url parts, or its header is not the JSON it must be.
    #[error("The token is not valid: it is not a signed JWT")]
    Malformed,
    /// It is signed as it should be, but a claim is of another type than RFC 7519 has it, or is there twice.
    #[error(
        "The token is not valid: its claims are not those of a JWT (`sub` is a string, `exp` a number, `scope` and `scp` are strings or lists of strings)"
    )]
    Claims,
    /// Its algorithm is not one of those configured; `none` never is.
    #[error("The token is not valid: it is signed with an algorithm that is not accepted here")]
    Algorithm,
    /// Its header demands an extension (`crit`, RFC 7515 section 4.1.11).
    #[error("The token is not valid: its header demands an extension that is not known here")]
    Extension,
    /// No key has the `kid` of its header, or it has none and more than one key would do.
    #[error("The token is not valid: it is signed with a key that is not known here")]
    UnknownKey,
    /// The signature does not belong to the token: forged, altered, or made with another key.
    #[error("The token is not valid: its signature does not match")]
    Signature,
    /// `exp` is past by more than [`LEEWAY_SECONDS`].
    #[error("The token has expired")]
    Expired,
    /// `nbf` is ahead by more than [`LEEWAY_SECONDS`].
    #[error("The token is not valid yet (more than {LEEWAY_SECONDS} seconds ahead)")]
    NotYetValid,
    /// There is no `exp`.
    #[error("The token is not valid: it has no `exp`")]
    NoExpiry,
    /// There is no `sub`.
    #[error("The token is not valid: it has no `sub`")]
    NoSubject,
    /// `sub` cannot be a user id.
    #[error("The token is not valid: its `sub` must be 1 to 255 characters without control characters")]
    Subject,
    /// `iss` is not the configured issuer.
    #[error("The token is not valid: its `iss` is not the one accepted here")]
    Issuer,
    /// `aud` does not name the configured audience.
    #[error("The token is not valid: its `aud` is not this service")]
    Audience,
    /// The keys cannot be read at the moment, so that nothing can be said about the token.
    #[error("The token cannot be checked at the moment")]
    KeysUnavailable,
}

/// UNAUTHENTICATED with a challenge; UNAVAILABLE if it is not the token's fault.
impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        let reason = match refused {
            Refused::KeysUnavailable => {
                return aip::with_reason(Code::Unavailable, "KEYS_UNAVAILABLE", refused.to_string());
            }
            Refused::Expired => "TOKEN_EXPIRED",
            Refused::NotYetValid => "TOKEN_NOT_YET_VALID",
            Refused::NotBearer
            | Refused::TooLong
            | Refused::Malformed
            | Refused::Claims
            | Refused::Algorithm
            | Refused::Extension
            | Refused::UnknownKey
            | Refused::Signature
            | Refused::NoExpiry
            | Refused::NoSubject
            | Refused::Subject
            | Refused::Issuer
            | Refused::Audience => "TOKEN_INVALID",
        };
        let status = aip::with_reason(Code::Unauthenticated, reason, refused.to_string());
        challenge(status, MetadataValue::from_static(r#"Bearer error="invalid_token""#))
    }
}

/// UNAUTHENTICATED for a call that has outlasted its token; `resume` is a sentence that says how to go on with another.
#[must_use]
pub fn expired(resume: &str) -> Status {
    let message = format!("{}. {resume}", Refused::Expired);
    let status = aip::with_reason(Code::Unauthenticated, "TOKEN_EXPIRED", message);
    challenge(status, MetadataValue::from_static(r#"Bearer error="invalid_token""#))
}

/// UNAUTHENTICATED without a token, PERMISSION_DENIED without the scope, each with its challenge.
impl From<Denied> for Status {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NoToken => challenge(
                aip::with_reason(Code::Unauthenticated, "TOKEN_MISSING", denied.to_string()),
                MetadataValue::from_static("Bearer"),
            ),
            Denied::MissingScope(scope) => {
                let status = aip::with_reason(Code::PermissionDenied, "SCOPE_MISSING", denied.to_string());
                let text = format!(r#"Bearer error="insufficient_scope", scope="{}""#, scope.name());
                match MetadataValue::try_from(text) {
                    Ok(value) => challenge(status, value),
                    Err(_) => status,
                }
            }
        }
    }
}

fn challenge(mut status: Status, value: MetadataValue<Ascii>) -> Status {
    status.metadata_mut().insert(CHALLENGE, value);
    status
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;
    use crate::Scope;

    fn reason(status: &Status) -> String {
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.domain, "reticle");
        info.reason
    }

    #[test]
    fn a_refused_token_is_unauthenticated_and_challenged() {
        let status = Status::from(Refused::Signature);
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "TOKEN_INVALID"));
        assert_eq!(status.message(), "The token is not valid: its signature does not match");
        assert_eq!(status.metadata().get(CHALLENGE).unwrap(), r#"Bearer error="invalid_token""#);
    }

    #[test]
    fn a_token_that_cannot_be_checked_may_be_tried_again() {
        let status = Status::from(Refused::KeysUnavailable);
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "KEYS_UNAVAILABLE"));
        assert!(status.get_details_retry_info().is_some());
        assert!(status.metadata().get(CHALLENGE).is_none());
    }

    #[test]
    fn a_missing_scope_is_permission_denied_and_named() {
        let status = Status::from(Denied::MissingScope(Scope::OwnersAny));
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "SCOPE_MISSING"));
        assert!(status.message().contains("owners:any"));
        let challenge = status.metadata().get(CHALLENGE).unwrap();
        assert_eq!(challenge, r#"Bearer error="insufficient_scope", scope="owners:any""#);
    }
}
