//! A JWT in its compact form (RFC 7515 section 7.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use crate::{
    TokenRejection,
    claims::Claims,
    json,
    verifying_key::{Algorithm, VerifyingKey},
};

/// The maximum length of a token: 8 KiB.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The header of a token. It is not trusted: it only selects the key to verify the signature with.
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
}

#[derive(Deserialize)]
struct RawHeader {
    alg: String,
    kid: Option<String>,
    /// Whether there is a `crit`, whatever its value: RFC 7515 does not allow an empty one either.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

impl Header {
    pub(crate) fn parse(token: &str) -> Result<Self, TokenRejection> {
        let (encoded, _) = token.split_once('.').ok_or(TokenRejection::Malformed)?;
        let raw: RawHeader = json::parse_object(&decode(encoded)?).map_err(|_| TokenRejection::Malformed)?;
        let algorithm = Algorithm::from_name(&raw.alg).ok_or(TokenRejection::Algorithm)?;
        if raw.crit {
            return Err(TokenRejection::Extension);
        }
        Ok(Self { algorithm, kid: raw.kid })
    }
}

/// Verifies the signature with `key` and returns the claims, which are still to be checked.
pub(crate) fn verify_signature(token: &str, key: &VerifyingKey) -> Result<Claims, TokenRejection> {
    let (message, signature) = token.rsplit_once('.').ok_or(TokenRejection::Malformed)?;
    let (_, payload) = message.split_once('.').ok_or(TokenRejection::Malformed)?;
    if payload.contains('.') {
        return Err(TokenRejection::Malformed);
    }
    let signature = decode(signature)?;
    if !key.verifies(message, &signature) {
        return Err(TokenRejection::Signature);
    }
    json::parse_object(&decode(payload)?).map_err(|_| TokenRejection::Claims)
}

fn decode(part: &str) -> Result<Vec<u8>, TokenRejection> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRejection::Malformed)
}
