//! Ed25519 key pairs.

use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::json;

/// The prefix of a private Ed25519 key in PKCS #8 (RFC 8410 section 7); the key itself follows.
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// The expiry of all tokens in these tests.
pub(crate) const EXPIRES: i64 = 2_000_000_000;

/// A key pair with its `kid`.
pub(crate) struct Pair {
    kid: String,
    key: EncodingKey,
}

impl Pair {
    pub(crate) fn new(seed: u8) -> Self {
        let key = EncodingKey::from_ed_der(&[PKCS8.as_slice(), &[seed; 32]].concat());
        Self { kid: seed.to_string(), key }
    }

    /// A JWKS with only this key.
    pub(crate) fn document(&self) -> String {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::EdDSA).unwrap();
        jwk.common.key_id = Some(self.kid.clone());
        json!({ "keys": [jwk] }).to_string()
    }

    pub(crate) fn token(&self) -> String {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &json!({ "sub": "alice", "exp": EXPIRES }), &self.key).unwrap()
    }
}
