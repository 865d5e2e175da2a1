//! The keys of a JSON Web Key Set (RFC 7517) that can verify a token's signature.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::VerifyingKey as Ed25519Key;
use p256::{EncodedPoint, ecdsa::VerifyingKey as P256Key};
use rsa::{BigUint, RsaPublicKey};
use serde::Deserialize;

use crate::{
    KeysUnavailable, json,
    verifying_key::{Algorithm, VerifyingKey},
};

/// Accepted sizes of RSA keys: from 2048 bits (RFC 7518 section 3.3) to 4096, because verification with larger keys costs too
/// much.
const RSA_MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// The length of one coordinate of a P-256 point, and of an Ed25519 public key.
const COORDINATE_BYTES: usize = 32;

/// At least one public key.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<NamedKey>);

#[derive(Debug)]
struct NamedKey {
    kid: Option<String>,
    key: VerifyingKey,
}

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct RawKey {
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    intended_use: Option<String>,
    key_ops: Option<Vec<String>>,
    #[serde(flatten)]
    material: Material,
}

/// The key itself. `oct` is not supported: a public document must not contain a secret.
#[derive(Deserialize)]
#[serde(tag = "kty")]
enum Material {
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
    #[serde(rename = "EC")]
    Ec { crv: String, x: String, y: String },
    #[serde(rename = "OKP")]
    Okp { crv: String, x: String },
}

impl KeySet {
    /// Parses a set and ignores keys that cannot verify tokens.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, KeysUnavailable> {
        let raw: RawSet = json::parse_object(document).map_err(KeysUnavailable::Malformed)?;
        let keys: Vec<_> = raw.keys.into_iter().filter_map(NamedKey::parse).collect();
        if keys.is_empty() { Err(KeysUnavailable::Empty) } else { Ok(Self(keys)) }
    }

    /// The key for a token whose header names `algorithm` and `kid`. Without a `kid`, exactly one key must match.
    pub(crate) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Option<&VerifyingKey> {
        let named = |key: &&NamedKey| kid.is_none() || key.kid.as_deref() == kid;
        let mut matching = self.0.iter().filter(named).filter(|key| key.key.algorithm() == algorithm);
        let first = matching.next()?;
        matching.next().is_none().then_some(&first.key)
    }
}

impl NamedKey {
    fn parse(json: serde_json::Value) -> Option<Self> {
        let raw: RawKey = serde_json::from_value(json).ok()?;
        let verifies = raw.intended_use.is_none_or(|intended| intended == "sig")
            && raw.key_ops.is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let key = raw.material.decode()?;
        // The type of the key determines the algorithm; its `alg`, if present, must agree.
        let agrees = raw.alg.is_none_or(|alg| Algorithm::from_name(&alg) == Some(key.algorithm()));
        (verifies && agrees).then_some(Self { kid: raw.kid, key })
    }
}

impl Material {
    /// The key, if its type and size are accepted and its value is valid.
    fn decode(&self) -> Option<VerifyingKey> {
        match self {
            Self::Rsa { n, e } => rsa_key(&decode_base64(n)?, &decode_base64(e)?).map(VerifyingKey::Rsa),
            Self::Ec { crv, x, y } if crv == "P-256" => {
                p256_key(coordinate(x)?, coordinate(y)?).map(VerifyingKey::P256)
            }
            Self::Okp { crv, x } if crv == "Ed25519" => {
                let key = Ed25519Key::from_bytes(&coordinate(x)?).ok()?;
                // With a point of small order, forged signatures are valid.
                (!key.is_weak()).then_some(VerifyingKey::Ed25519(key))
            }
            Self::Ec { .. } | Self::Okp { .. } => None,
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

fn p256_key(x: [u8; COORDINATE_BYTES], y: [u8; COORDINATE_BYTES]) -> Option<P256Key> {
    P256Key::from_encoded_point(&EncodedPoint::from_affine_coordinates(&x.into(), &y.into(), false)).ok()
}

fn coordinate(text: &str) -> Option<[u8; COORDINATE_BYTES]> {
    decode_base64(text)?.try_into().ok()
}

fn decode_base64(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}
