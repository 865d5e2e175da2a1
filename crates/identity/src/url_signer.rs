//! Signatures of URLs that give access to one resource without a token, for a limited time.

use std::fmt;

use aip::TokenKey;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use runtime::Timestamp;
use sha2::Sha256;

use crate::{
    TooShort,
    secret::{derive_token_key, keyed_mac},
};

/// Distinguishes these signatures from others by the same key.
const PURPOSE: &str = "reticle signed url 1";

/// The length of every signature, in characters.
const SIGNATURE_CHARACTERS: usize = 43;

/// The key that signs URLs; the key of opaque tokens is derived from it. It is never the secret of HS256 tokens, so that each
/// can be replaced without the other.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// A key of these bytes.
    ///
    /// # Errors
    /// [`TooShort`] if there are fewer than [`crate::MIN_SECRET_BYTES`].
    pub fn new(bytes: &[u8]) -> Result<Self, TooShort> {
        keyed_mac(bytes).map(Self)
    }

    /// The key of the server's opaque tokens. It is derived, so the signing key cannot be computed from it.
    #[must_use]
    pub fn token_key(&self) -> TokenKey {
        derive_token_key(&self.0)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// Signs and verifies the permission to use one method on one id until a given time (HMAC-SHA256).
#[derive(Clone, Debug)]
pub struct UrlSigner {
    key: SigningKey,
}

impl UrlSigner {
    /// Signs and verifies with `key`.
    #[must_use]
    pub const fn new(key: SigningKey) -> Self {
        Self { key }
    }

    /// See [`SigningKey::token_key`].
    #[must_use]
    pub fn token_key(&self) -> TokenKey {
        self.key.token_key()
    }

    /// Signs the permission to use `method` on `id` until `expires_at`, in seconds since 1970. The signature is 43 characters
    /// of URL-safe base64.
    #[must_use]
    pub fn sign(&self, method: &str, id: &str, expires_at: i64) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(method, id, expires_at).finalize().into_bytes())
    }

    /// Whether [`Self::sign`] made `signature` for the same method, id and expiry, and `now` is before `expires_at`.
    #[must_use]
    pub fn verify(&self, method: &str, id: &str, expires_at: i64, signature: &str, now: Timestamp) -> bool {
        if signature.len() != SIGNATURE_CHARACTERS {
            return false;
        }
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let genuine = self.mac(method, id, expires_at).verify_slice(&signature).is_ok();
        genuine && now.as_seconds() < expires_at
    }

    fn mac(&self, method: &str, id: &str, expires_at: i64) -> Hmac<Sha256> {
        // The length before each part distinguishes ("GE", "T1") from ("GET", "1").
        let part = |mac: Hmac<Sha256>, text: &str| {
            mac.chain_update((text.len() as u64).to_be_bytes()).chain_update(text)
        };
        let parts = [PURPOSE, method, id].into_iter().fold(self.key.0.clone(), part);
        parts.chain_update(expires_at.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPIRES: i64 = 1_800_000_000;
    const BEFORE: Timestamp = Timestamp::from_millis(EXPIRES * 1000 - 1);

    fn signer(byte: u8) -> UrlSigner {
        UrlSigner::new(SigningKey::new(&[byte; 32]).unwrap())
    }

    #[test]
    fn a_signature_is_valid_for_its_method_and_id_until_it_expires() {
        let signature = signer(1).sign("GET", "abc", EXPIRES);
        assert_eq!(signature.len(), 43);
        assert!(signer(1).verify("GET", "abc", EXPIRES, &signature, BEFORE));
        assert!(!signer(1).verify("GET", "abc", EXPIRES, &signature, Timestamp::from_millis(EXPIRES * 1000)));
    }

    #[test]
    fn a_signature_is_not_valid_for_anything_else() {
        let signature = signer(1).sign("GET", "abc", EXPIRES);
        let verify = |method, id, expires| signer(1).verify(method, id, expires, &signature, BEFORE);
        assert!(!verify("PUT", "abc", EXPIRES));
        assert!(!verify("GET", "abd", EXPIRES));
        assert!(!verify("GET", "abc", EXPIRES + 1));
        assert!(!verify("GETa", "bc", EXPIRES));
        assert!(!signer(2).verify("GET", "abc", EXPIRES, &signature, BEFORE));
        for forged in ["", "A", &signature[..42], &format!("{signature}A"), &format!("{signature}="), "ä"] {
            assert!(!signer(1).verify("GET", "abc", EXPIRES, forged, BEFORE), "{forged}");
        }
    }

    #[test]
    fn a_key_has_at_least_32_bytes_and_is_never_printed() {
        assert_eq!(SigningKey::new(&[1; 31]).map(drop), Err(TooShort));
        assert_eq!(format!("{:?}", signer(1)), "UrlSigner { key: SigningKey(…) }");
    }
}
