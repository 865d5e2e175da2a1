//! Signatures of URLs that open one thing without a token, for a while.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use storage::Timestamp;

use crate::{TooShort, secret::keyed_mac};

/// Keeps these signatures apart from anything else that the same key might ever sign.
const PURPOSE: &str = "reticle signed url 1";

/// The key that URLs are signed with; never the token secret, so that one can be replaced without the other.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// The key that is these bytes.
    ///
    /// # Errors
    /// [`TooShort`] below [`crate::MIN_SECRET_BYTES`].
    pub fn new(bytes: &[u8]) -> Result<Self, TooShort> {
        keyed_mac(bytes).map(Self)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// Signs and verifies the permission to use one method on one id until a moment (HMAC-SHA256).
#[derive(Clone, Debug)]
pub struct UrlSigner {
    key: SigningKey,
}

impl UrlSigner {
    /// Signs with `key`, and accepts what it signed.
    #[must_use]
    pub const fn new(key: SigningKey) -> Self {
        Self { key }
    }

    /// The signature (43 characters of URL-safe base64) of the permission to use `method` on `id` until `expires_at`, in
    /// seconds since 1970.
    #[must_use]
    pub fn sign(&self, method: &str, id: &str, expires_at: i64) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(method, id, expires_at).finalize().into_bytes())
    }

    /// Whether `signature` is the one that [`Self::sign`] gave for the same three, and `now` is before `expires_at`.
    #[must_use]
    pub fn verify(&self, method: &str, id: &str, expires_at: i64, signature: &str, now: Timestamp) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let genuine = self.mac(method, id, expires_at).verify_slice(&signature).is_ok();
        genuine && now.as_seconds() < expires_at
    }

    fn mac(&self, method: &str, id: &str, expires_at: i64) -> Hmac<Sha256> {
        // The length before each part tells ("GE", "T1") from ("GET", "1").
        let part = |mac: Hmac<Sha256>, text: &str| {
            mac.chain_update((text.len() as u64).to_be_bytes()).chain_update(text)
        };
        let parts = [PURPOSE, method, id].into_iter().fold(self.key.0.clone(), part);
        parts.chain_update(expires_at.to_be_bytes())
    }
}
