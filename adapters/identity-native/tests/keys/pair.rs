//! Ed25519 key pairs.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto::rust_crypto::DEFAULT_PROVIDER, jwk::EllipticCurve};
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
        let public_key = DEFAULT_PROVIDER.key_utils.ed_pub_components_from_private_key;
        let x = URL_SAFE_NO_PAD.encode(public_key(self.key.as_bytes(), &EllipticCurve::Ed25519).unwrap());
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": self.kid, "x": x });
        json!({ "keys": [jwk] }).to_string()
    }

    /// A token. `jsonwebtoken::encode` signs only HS256 here, because it uses the provider that `identity` installs.
    pub(crate) fn token(&self) -> String {
        let header = json!({ "alg": "EdDSA", "kid": self.kid });
        let claims = json!({ "sub": "alice", "exp": EXPIRES });
        let message = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signer = (DEFAULT_PROVIDER.signer_factory)(&Algorithm::EdDSA, &self.key).unwrap();
        let signature = signer.try_sign(message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
