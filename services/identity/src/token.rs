//! A JWT in its compact form (RFC 7515 section 7.1).

use std::str::FromStr as _;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};
use serde::{Deserialize, de::IgnoredAny};

use crate::{Refused, claims::Claims};

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
    crit: Option<IgnoredAny>,
}

impl Header {
    pub(crate) fn parse(token: &str) -> Result<Self, Refused> {
        let (encoded, _) = token.split_once('.').ok_or(Refused::Malformed)?;
        let json = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Refused::Malformed)?;
        let raw: RawHeader = serde_json::from_slice(&json).map_err(|_| Refused::Malformed)?;
        let algorithm = Algorithm::from_str(&raw.alg).map_err(|_| Refused::Algorithm)?;
        if raw.crit.is_some() {
            return Err(Refused::Extension);
        }
        Ok(Self { algorithm, kid: raw.kid })
    }
}

/// The claims of a token whose signature holds for `key` and `algorithm`. They are still to be checked.
pub(crate) fn open(token: &str, algorithm: Algorithm, key: &DecodingKey) -> Result<Claims, Refused> {
    let data = jsonwebtoken::decode::<Claims>(token, key, &signature_only(algorithm));
    data.map(|data| data.claims).map_err(|error| match error.kind() {
        ErrorKind::Json(_) => Refused::Claims,
        ErrorKind::Base64(_) | ErrorKind::Utf8(_) | ErrorKind::InvalidToken => Refused::Malformed,
        _ => Refused::Signature,
    })
}

/// jsonwebtoken reads the system's clock and lets a token without `iss` or `aud` pass; [`Claims::check`] does neither.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}
