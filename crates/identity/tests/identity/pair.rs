//! Key pairs, and tokens with each algorithm of `jsonwebtoken`.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, EncodingKey, Header, crypto::rust_crypto::DEFAULT_PROVIDER,
    jwk::EllipticCurve,
};
use serde_json::{Value, json};

use crate::fixture::claims;

/// A key pair that signs tokens, with its public key as a JWK.
pub(crate) struct Pair {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: &'static str,
    pub(crate) key: EncodingKey,
}

impl Pair {
    pub(crate) fn rsa() -> Self {
        let key = EncodingKey::from_rsa_der(&der(include_str!("keys/rsa.txt")));
        Self { algorithm: Algorithm::RS256, kid: "rsa", key }
    }

    pub(crate) fn p256() -> Self {
        let key = EncodingKey::from_ec_der(&der(include_str!("keys/p256-a.txt")));
        Self { algorithm: Algorithm::ES256, kid: "p256", key }
    }

    pub(crate) fn other_p256() -> Self {
        let key = EncodingKey::from_ec_der(&der(include_str!("keys/p256-b.txt")));
        Self { algorithm: Algorithm::ES256, kid: "other", key }
    }

    pub(crate) fn ed25519() -> Self {
        let key = EncodingKey::from_ed_der(&der(include_str!("keys/ed25519.txt")));
        Self { algorithm: Algorithm::EdDSA, kid: "ed", key }
    }

    pub(crate) fn jwk(&self) -> Value {
        let (keys, der) = (&DEFAULT_PROVIDER.key_utils, self.key.as_bytes());
        let Self { algorithm, kid, .. } = self;
        match self.key.family() {
            AlgorithmFamily::Rsa => {
                let (n, e) = (keys.rsa_pub_components_from_private_key)(der).unwrap();
                json!({ "kty": "RSA", "alg": algorithm, "kid": kid, "n": base64url(n), "e": base64url(e) })
            }
            AlgorithmFamily::Ec => {
                let (crv, x, y) = (keys.ec_pub_components_from_private_key)(der, *algorithm).unwrap();
                json!({ "kty": "EC", "crv": crv, "alg": algorithm, "kid": kid, "x": base64url(x), "y": base64url(y) })
            }
            AlgorithmFamily::Ed => {
                let crv = EllipticCurve::Ed25519;
                let x = (keys.ed_pub_components_from_private_key)(der, &crv).unwrap();
                json!({ "kty": "OKP", "crv": crv, "alg": algorithm, "kid": kid, "x": base64url(x) })
            }
            AlgorithmFamily::Hmac => unreachable!("a secret has no public key"),
        }
    }

    pub(crate) fn jwk_with(&self, name: &str, value: Value) -> Value {
        let mut jwk = self.jwk();
        jwk.as_object_mut().unwrap().insert(name.to_owned(), value);
        jwk
    }

    pub(crate) fn jwk_without(&self, name: &str) -> Value {
        let mut jwk = self.jwk();
        jwk.as_object_mut().unwrap().remove(name).unwrap();
        jwk
    }

    pub(crate) fn token(&self) -> String {
        self.token_with_kid(Some(self.kid))
    }

    pub(crate) fn token_with_kid(&self, kid: Option<&str>) -> String {
        let header = Header { kid: kid.map(str::to_owned), ..Header::new(self.algorithm) };
        encode(&header, &claims(), &self.key)
    }
}

fn der(text: &str) -> Vec<u8> {
    STANDARD.decode(text.split_whitespace().collect::<String>()).unwrap()
}

/// A token with any algorithm of `jsonwebtoken`. Its own `encode` signs only HS256 here, because it uses the provider that
/// `identity` installs.
pub(crate) fn encode(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    sign(&serde_json::to_string(header).unwrap(), claims.to_string(), key, header.alg)
}

/// A token with this header and payload and a valid signature.
pub(crate) fn sign(
    header: &str,
    payload: impl AsRef<[u8]>,
    key: &EncodingKey,
    algorithm: Algorithm,
) -> String {
    let message = format!("{}.{}", base64url(header), base64url(payload));
    let signer = (DEFAULT_PROVIDER.signer_factory)(&algorithm, key).unwrap();
    let signature = signer.try_sign(message.as_bytes()).unwrap();
    format!("{message}.{}", base64url(signature))
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
