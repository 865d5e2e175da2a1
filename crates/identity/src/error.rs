//! Why a token is rejected, and the gRPC status that the client receives.

use tonic::{
    Code, Status,
    metadata::{Ascii, MetadataValue},
};

use crate::{Denied, LEEWAY_SECONDS, MAX_TOKEN_BYTES};

/// The name of the challenge (RFC 6750 section 3), in gRPC metadata as in HTTP headers.
const CHALLENGE: &str = "www-authenticate";

/// Why a token is rejected. Each message is sent to the client and reveals nothing about the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRejection {
    /// The `authorization` header does not have the form `Bearer …`, or there are several.
    #[error("The token is not valid: `authorization` must be sent once, as `Bearer …`")]
    NotBearer,
    /// The token is longer than [`MAX_TOKEN_BYTES`].
    #[error("The token is not valid: it is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// The token is not three base64url parts, or its header is not the JSON of a JWT header.
    #[error("The token is not valid: it is not a signed JWT")]
    Malformed,
    /// The signature is valid, but a claim has a type that RFC 7519 does not allow, or is present twice.
    #[error(
        "The token is not valid: its claims are not those of a JWT (`sub` is a string, `exp` a number, `scope` and `scp` are strings or lists of strings)"
    )]
    Claims,
    /// The algorithm has no configured key; `none` is never accepted.
    #[error("The token is not valid: its algorithm (`alg`) is not accepted by this server")]
    Algorithm,
    /// The header requires an extension (`crit`, RFC 7515 section 4.1.11).
    #[error("The token is not valid: its header requires an extension (`crit`) that is not supported")]
    Extension,
    /// No key has the `kid` of the header, or the header has no `kid` and several keys match.
    #[error("The token is not valid: it is signed with a key that this server does not know")]
    UnknownKey,
    /// The signature does not match: the token was forged or altered, or signed with another key.
    #[error("The token is not valid: its signature does not match")]
    Signature,
    /// `exp` is in the past by more than [`LEEWAY_SECONDS`].
    #[error("The token has expired")]
    Expired,
    /// `nbf` is in the future by more than [`LEEWAY_SECONDS`].
    #[error("The token is not valid yet: its `nbf` is more than {LEEWAY_SECONDS} seconds in the future")]
    NotYetValid,
    /// There is no `exp`.
    #[error("The token is not valid: it has no `exp`")]
    NoExpiry,
    /// There is no `sub`.
    #[error("The token is not valid: it has no `sub`")]
    NoSubject,
    /// `sub` is not a valid user id.
    #[error("The token is not valid: its `sub` must be 1 to 255 characters without control characters")]
    Subject,
    /// `iss` is not the configured issuer.
    #[error("The token is not valid: its `iss` is not the configured issuer")]
    Issuer,
    /// `aud` does not name the configured audience.
    #[error("The token is not valid: its `aud` does not name this service")]
    Audience,
    /// The keys cannot be read at the moment, so the token can be neither accepted nor rejected.
    #[error("The token cannot be verified: the server cannot read the keys that verify tokens. Retry later.")]
    KeysUnavailable,
}

/// UNAUTHENTICATED with a challenge; UNAVAILABLE if the keys cannot be read.
impl From<TokenRejection> for Status {
    fn from(rejection: TokenRejection) -> Self {
        let reason = match rejection {
            TokenRejection::KeysUnavailable => {
                return aip::with_reason(Code::Unavailable, "KEYS_UNAVAILABLE", rejection.to_string());
            }
            TokenRejection::Expired => "TOKEN_EXPIRED",
            TokenRejection::NotYetValid => "TOKEN_NOT_YET_VALID",
            TokenRejection::NotBearer
            | TokenRejection::TooLong
            | TokenRejection::Malformed
            | TokenRejection::Claims
            | TokenRejection::Algorithm
            | TokenRejection::Extension
            | TokenRejection::UnknownKey
            | TokenRejection::Signature
            | TokenRejection::NoExpiry
            | TokenRejection::NoSubject
            | TokenRejection::Subject
            | TokenRejection::Issuer
            | TokenRejection::Audience => "TOKEN_INVALID",
        };
        let status = aip::with_reason(Code::Unauthenticated, reason, rejection.to_string());
        challenge(status, MetadataValue::from_static(r#"Bearer error="invalid_token""#))
    }
}

/// UNAUTHENTICATED for a call whose token expires while it runs. The sentence `resume` says how to continue with a new token.
#[must_use]
pub fn token_expired(resume: &str) -> Status {
    let message = format!("{}. {resume}", TokenRejection::Expired);
    let status = aip::with_reason(Code::Unauthenticated, "TOKEN_EXPIRED", message);
    challenge(status, MetadataValue::from_static(r#"Bearer error="invalid_token""#))
}

/// UNAUTHENTICATED without a token, PERMISSION_DENIED without the scope, both with a challenge.
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
    fn a_rejected_token_is_unauthenticated_with_a_challenge() {
        let status = Status::from(TokenRejection::Signature);
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "TOKEN_INVALID"));
        assert_eq!(status.message(), "The token is not valid: its signature does not match");
        assert_eq!(status.metadata().get(CHALLENGE).unwrap(), r#"Bearer error="invalid_token""#);
    }

    #[test]
    fn a_token_that_cannot_be_verified_may_be_retried() {
        let status = Status::from(TokenRejection::KeysUnavailable);
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "KEYS_UNAVAILABLE"));
        assert!(status.get_details_retry_info().is_some());
        assert!(status.metadata().get(CHALLENGE).is_none());
    }

    #[test]
    fn a_missing_scope_is_permission_denied_and_the_message_names_it() {
        let status = Status::from(Denied::MissingScope(Scope::OwnersAny));
        assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "SCOPE_MISSING"));
        assert!(status.message().contains("owners:any"));
        let challenge = status.metadata().get(CHALLENGE).unwrap();
        assert_eq!(challenge, r#"Bearer error="insufficient_scope", scope="owners:any""#);
    }
}
