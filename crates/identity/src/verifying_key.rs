//! The keys that verify signatures, each for one algorithm.

use hmac::{Hmac, Mac as _};
use p256::ecdsa::signature::Verifier as _;
use rsa::{Pkcs1v15Sign, RsaPublicKey};
use sha2::{Digest as _, Sha256};

/// The algorithms that may be configured (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Hs256,
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    /// The algorithm with the name `alg`.
    pub(crate) fn from_name(alg: &str) -> Option<Self> {
        match alg {
            "HS256" => Some(Self::Hs256),
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

/// A key. Its type determines the algorithm, never the header of a token.
#[derive(Clone, Debug)]
pub(crate) enum VerifyingKey {
    Hmac(Hmac<Sha256>),
    Rsa(RsaPublicKey),
    P256(p256::ecdsa::VerifyingKey),
    Ed25519(ed25519_dalek::VerifyingKey),
}

impl VerifyingKey {
    pub(crate) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Hmac(_) => Algorithm::Hs256,
            Self::Rsa(_) => Algorithm::Rs256,
            Self::P256(_) => Algorithm::Es256,
            Self::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Whether `signature` is a valid signature of `message` by this key.
    pub(crate) fn verifies(&self, message: &str, signature: &[u8]) -> bool {
        match self {
            Self::Hmac(mac) => mac.clone().chain_update(message).verify_slice(signature).is_ok(),
            Self::Rsa(key) => {
                key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message), signature).is_ok()
            }
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(message.as_bytes(), &signature).is_ok()),
            // `verify_strict`, because with `verify` some signatures are valid for many messages or keys.
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(message.as_bytes(), &signature).is_ok()),
        }
    }
}
