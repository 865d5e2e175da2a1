//! The cryptography that `jsonwebtoken` uses in this process.
//!
//! Its own provider links all of its algorithms, and accepts Ed25519 signatures that are valid for many messages. Why this is
//! own code: `docs/decisions/tokens.md`.

use std::sync::LazyLock;

use hmac::{Hmac, Mac as _};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily,
    crypto::{CryptoProvider, JwtSigner, KeyUtils},
    errors::ErrorKind,
    signature::{Error, Signer},
};
use sha2::Sha256;

use crate::{secret::keyed_mac, verifying_key::VerifyingKey};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| match (algorithm, key.family(), keyed_mac(key.as_bytes())) {
        (Algorithm::HS256, AlgorithmFamily::Hmac, Ok(mac)) => Ok(Box::new(Hs256Signer(mac))),
        _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
    },
    verifier_factory: |algorithm, key| match VerifyingKey::parse(*algorithm, key) {
        Some(key) => Ok(Box::new(key)),
        None => Err(ErrorKind::InvalidKeyFormat.into()),
    },
    // They make JWKs of keys. This crate only reads JWKs.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes `jsonwebtoken` use this provider. Returns whether it does: `false` if this process used another provider before.
pub(crate) fn install() -> bool {
    static INSTALLED: LazyLock<bool> = LazyLock::new(|| PROVIDER.install_default().is_ok());
    *INSTALLED
}

/// Signs the tokens of [`crate::mint`].
struct Hs256Signer(Hmac<Sha256>);

impl Signer<Vec<u8>> for Hs256Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for Hs256Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
