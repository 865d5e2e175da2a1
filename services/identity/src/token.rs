//! A JWT in its compact form (RFC 7515 section 7.1).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use crate::{
    Refused,
    claims::Claims,
    json,
    verifying_key::{Algorithm, VerifyingKey},
};

/// The longest token that is looked at: 8 KiB.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// A token's header: nothing of it is trusted, it only says which key to try.
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
}

#[derive(Deserialize)]
struct RawHeader {
    alg: String,
    kid: Option<String>,
    /// Whether there is a `crit`, whatever it holds: even an empty one is not what RFC 7515 allows.
    #[serde(default, deserialize_with = "present")]
    crit: bool,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

impl Header {
    pub(crate) fn parse(token: &str) -> Result<Self, Refused> {
        let (encoded, _) = token.split_once('.').ok_or(Refused::Malformed)?;
        let raw: RawHeader = json::object(&decode(encoded)?).map_err(|_| Refused::Malformed)?;
        let algorithm = Algorithm::named(&raw.alg).ok_or(Refused::Algorithm)?;
        if raw.crit {
            return Err(Refused::Extension);
        }
        Ok(Self { algorithm, kid: raw.kid })
    }
}

/// The claims of a token that `key` has signed. They are still to be checked.
pub(crate) fn open(token: &str, key: &VerifyingKey) -> Result<Claims, Refused> {
    let (message, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
    let (_, payload) = message.split_once('.').ok_or(Refused::Malformed)?;
    if payload.contains('.') {
        return Err(Refused::Malformed);
    }
    let signature = decode(signature)?;
    if !key.verifies(message, &signature) {
        return Err(Refused::Signature);
    }
    json::object(&decode(payload)?).map_err(|_| Refused::Claims)
}

fn decode(part: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::Malformed)
}
