//! The keys of a JSON Web Key Set (RFC 7517) that can verify a token's signature.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use crate::KeysUnavailable;

/// RSA keys from 2048 bits (RFC 7518 section 3.3) to 4096, beyond which one check would cost too much.
const RSA_MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// The bytes of one coordinate of a P-256 point, and of an Ed25519 public key.
const COORDINATE_BYTES: usize = 32;

/// Public keys; at least one.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<VerifyingKey>);

#[derive(Debug)]
struct VerifyingKey {
    kid: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
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

/// The key itself. There is no `oct` here: a secret has no place in a document for everybody.
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
    /// Reads a set, passing over the keys that are of no use here.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, KeysUnavailable> {
        let raw: RawSet = serde_json::from_slice(document).map_err(KeysUnavailable::Malformed)?;
        let keys: Vec<_> = raw.keys.into_iter().filter_map(VerifyingKey::read).collect();
        if keys.is_empty() { Err(KeysUnavailable::Empty) } else { Ok(Self(keys)) }
    }

    /// The key for a token whose header names `algorithm` and `kid`. Without a `kid` there must be no choice.
    pub(crate) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Option<&DecodingKey> {
        let named = |key: &&VerifyingKey| kid.is_none() || key.kid.as_deref() == kid;
        let mut fitting = self.0.iter().filter(named).filter(|key| key.algorithm == algorithm);
        let first = fitting.next()?;
        fitting.next().is_none().then_some(&first.key)
    }
}

impl VerifyingKey {
    fn read(json: serde_json::Value) -> Option<Self> {
        let raw: RawKey = serde_json::from_value(json).ok()?;
        let verifies = raw.intended_use.is_none_or(|intended| intended == "sig")
            && raw.key_ops.is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        let (algorithm, key) = raw.material.decode()?;
        // What the key is decides the algorithm; what it says of itself must agree.
        let agrees = raw.alg.is_none_or(|alg| alg.parse() == Ok(algorithm));
        (verifies && agrees).then_some(Self { kid: raw.kid, algorithm, key })
    }
}

impl Material {
    /// The key and the one algorithm it is for. Sizes are checked here, for jsonwebtoken takes them on trust.
    fn decode(&self) -> Option<(Algorithm, DecodingKey)> {
        match self {
            Self::Rsa { n, e } if RSA_MODULUS_BYTES.contains(&size(n)?) => {
                Some((Algorithm::RS256, DecodingKey::from_rsa_components(n, e).ok()?))
            }
            Self::Ec { crv, x, y }
                if crv == "P-256" && size(x)? == COORDINATE_BYTES && size(y)? == COORDINATE_BYTES =>
            {
                Some((Algorithm::ES256, DecodingKey::from_ec_components(x, y).ok()?))
            }
            Self::Okp { crv, x } if crv == "Ed25519" && size(x)? == COORDINATE_BYTES => {
                Some((Algorithm::EdDSA, DecodingKey::from_ed_components(x).ok()?))
            }
            Self::Rsa { .. } | Self::Ec { .. } | Self::Okp { .. } => None,
        }
    }
}

/// How many bytes the base64url text stands for.
fn size(text: &str) -> Option<usize> {
    URL_SAFE_NO_PAD.decode(text).ok().map(|bytes| bytes.len())
}
