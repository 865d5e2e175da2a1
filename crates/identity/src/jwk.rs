//! The keys of a JSON Web Key Set (RFC 7517) that can verify a token's signature.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;

use crate::{KeysUnavailable, json, verifying_key::VerifyingKey};

/// At least one public key.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<NamedKey>);

#[derive(Debug)]
struct NamedKey {
    kid: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// Parses a set and ignores keys that cannot verify tokens.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, KeysUnavailable> {
        let raw: RawSet = json::parse_object(document).map_err(KeysUnavailable::Malformed)?;
        let keys: Vec<_> = raw.keys.into_iter().filter_map(NamedKey::parse).collect();
        if keys.is_empty() { Err(KeysUnavailable::Empty) } else { Ok(Self(keys)) }
    }

    /// The key for a token whose header names `algorithm` and `kid`. Without a `kid`, exactly one key must match.
    pub(crate) fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Option<&DecodingKey> {
        let named = |key: &&NamedKey| kid.is_none() || key.kid.as_deref() == kid;
        let mut matching = self.0.iter().filter(named).filter(|key| key.algorithm == algorithm);
        let first = matching.next()?;
        matching.next().is_none().then_some(&first.key)
    }
}

impl NamedKey {
    fn parse(json: serde_json::Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(json).ok()?;
        let algorithm = algorithm(&jwk.algorithm)?;
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        let common = jwk.common;
        let verifies = common.public_key_use.is_none_or(|intended| intended == PublicKeyUse::Signature)
            && common.key_operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify))
            && common.key_algorithm.is_none_or(|named| named == algorithm.into())
            && VerifyingKey::parse(algorithm, &key).is_some();
        verifies.then_some(Self { kid: common.key_id, algorithm, key })
    }
}

/// The algorithm, which the type of the key determines; the `alg` of the key, if present, must agree. `oct` is not supported: a
/// public document must not contain a secret.
fn algorithm(parameters: &AlgorithmParameters) -> Option<Algorithm> {
    match parameters {
        AlgorithmParameters::RSA(_) => Some(Algorithm::RS256),
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Some(Algorithm::ES256),
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Some(Algorithm::EdDSA)
        }
        _ => None,
    }
}
