//! The secret that signs HS256 tokens.

use std::fmt;

use aip::TokenKey;
use hmac::{Hmac, Mac as _};
use jsonwebtoken::{DecodingKey, EncodingKey};
use sha2::Sha256;

/// The minimum length of a secret: the length of a SHA-256 digest (RFC 7518 section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// A shared secret of at least [`MIN_SECRET_BYTES`]. Anybody who knows it can make tokens for any user.
#[derive(Clone)]
pub struct Secret {
    signing_key: EncodingKey,
    token_key: TokenKey,
}

/// The secret or key is too short to be safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have at least {MIN_SECRET_BYTES} bytes")]
pub struct TooShort;

impl Secret {
    /// A secret of these bytes. Text is used as it is, without decoding.
    ///
    /// # Errors
    /// [`TooShort`] if there are fewer than [`MIN_SECRET_BYTES`].
    pub fn new(bytes: &[u8]) -> Result<Self, TooShort> {
        let token_key = derive_token_key(&keyed_mac(bytes)?);
        Ok(Self { signing_key: EncodingKey::from_secret(bytes), token_key })
    }

    /// The key that signs HS256 tokens.
    pub(crate) const fn signing_key(&self) -> &EncodingKey {
        &self.signing_key
    }

    /// The key of the opaque tokens of a server that has no signing key. It is derived, so the secret cannot be computed
    /// from it.
    #[must_use]
    pub fn token_key(&self) -> TokenKey {
        self.token_key.clone()
    }

    /// The key that verifies what this secret signs.
    pub(crate) fn key(&self) -> DecodingKey {
        DecodingKey::from_secret(self.signing_key.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Derives the key of opaque tokens from the key of `mac`. No JWT and no signed URL can have the text that is signed here: a
/// JWT is base64, and the text of a signed URL starts with a length.
pub(crate) fn derive_token_key(mac: &Hmac<Sha256>) -> TokenKey {
    TokenKey::new(mac.clone().chain_update("reticle opaque tokens 1").finalize().into_bytes().into())
}

/// HMAC-SHA256 with `key`, which must have at least [`MIN_SECRET_BYTES`].
pub(crate) fn keyed_mac(key: &[u8]) -> Result<Hmac<Sha256>, TooShort> {
    if key.len() < MIN_SECRET_BYTES { Err(TooShort) } else { Hmac::new_from_slice(key).map_err(|_| TooShort) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_at_least_32_bytes() {
        assert_eq!(Secret::new(&[7; 31]).map(drop), Err(TooShort));
        assert!(Secret::new(&[7; 32]).is_ok());
    }

    #[test]
    fn each_secret_has_its_own_token_key() {
        let token = |byte| {
            let key = Secret::new(&[byte; 32]).unwrap().token_key();
            String::from(key.sealer("pages").seal(b"content", "query"))
        };
        assert_eq!(token(1), token(1));
        assert_ne!(token(1), token(2));
    }

    #[test]
    fn a_secret_is_never_printed() {
        let printed = format!("{:?}", Secret::new(&[b'x'; 40]).unwrap());
        assert_eq!(printed, "Secret(…)");
    }
}
