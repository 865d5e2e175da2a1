//! The keys that verify signatures, each for one algorithm.

use hmac::{Hmac, Mac as _};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind,
    crypto::JwtVerifier,
    signature::{Error, Verifier},
};
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};
use sha2::{Digest as _, Sha256};

use crate::secret::keyed_mac;

/// Accepted sizes of RSA keys: from 2048 bits (RFC 7518 section 3.3) to 4096, because verification with larger keys costs too
/// much.
const RSA_MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// A valid key of an algorithm that this crate supports (RFC 7518 section 3.1, RFC 8037 section 3.1).
pub(crate) enum VerifyingKey {
    Hs256(Hmac<Sha256>),
    Rs256(RsaPublicKey),
    Es256(p256::ecdsa::VerifyingKey),
    EdDsa(ed25519_dalek::VerifyingKey),
}

impl VerifyingKey {
    /// The key, if its type is the one of `algorithm`, its size is accepted, and its value is valid.
    pub(crate) fn parse(algorithm: Algorithm, key: &DecodingKey) -> Option<Self> {
        match (algorithm, key.family(), key.kind()) {
            (Algorithm::HS256, AlgorithmFamily::Hmac, DecodingKeyKind::SecretOrDer(secret)) => {
                keyed_mac(secret).ok().map(Self::Hs256)
            }
            (Algorithm::RS256, AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                rsa_key(n, e).map(Self::Rs256)
            }
            (Algorithm::ES256, AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => {
                p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(Self::Es256)
            }
            (Algorithm::EdDSA, AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) => {
                let key = ed25519_dalek::VerifyingKey::try_from(point.as_slice()).ok()?;
                // With a point of small order, forged signatures are valid.
                (!key.is_weak()).then_some(Self::EdDsa(key))
            }
            _ => None,
        }
    }
}

impl Verifier<Vec<u8>> for VerifyingKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Hs256(mac) => {
                mac.clone().chain_update(message).verify_slice(signature).map_err(|_| Error::new())
            }
            Self::Rs256(key) => key
                .verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message), signature)
                .map_err(|_| Error::new()),
            Self::Es256(key) => key.verify(message, &p256::ecdsa::Signature::from_slice(signature)?),
            // `verify_strict`, because with `verify` some signatures are valid for many messages or keys.
            Self::EdDsa(key) => key.verify_strict(message, &ed25519_dalek::Signature::from_slice(signature)?),
        }
    }
}

impl JwtVerifier for VerifyingKey {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Hs256(_) => Algorithm::HS256,
            Self::Rs256(_) => Algorithm::RS256,
            Self::Es256(_) => Algorithm::ES256,
            Self::EdDsa(_) => Algorithm::EdDSA,
        }
    }
}

fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Option<RsaPublicKey> {
    // Count bits, not bytes: some publishers add leading zeros, and a short key must not be accepted as a long one.
    let modulus = BigUint::from_bytes_be(modulus);
    if !RSA_MODULUS_BITS.contains(&modulus.bits()) {
        return None;
    }
    RsaPublicKey::new(modulus, BigUint::from_bytes_be(exponent)).ok()
}
