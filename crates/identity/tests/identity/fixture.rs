//! Fixtures: a manual clock, a key source that counts its reads, fixed keys, and tokens with arbitrary contents.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use bytes::Bytes;
use identity::{Authenticator, BoxError, Jwks, KeySource, Keys, Policy, Secret};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use runtime::{Clock, Instant, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;

pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// A clock that moves only when a test advances it.
#[derive(Clone)]
pub(crate) struct FixedClock {
    now: Arc<AtomicI64>,
    passed: Arc<AtomicI64>,
}

impl FixedClock {
    pub(crate) fn advance_millis(&self, millis: i64) {
        self.set_forward_millis(millis);
        self.passed.fetch_add(millis, Ordering::Relaxed);
    }

    /// Changes the wall clock only; the monotonic clock stays.
    fn set_forward_millis(&self, millis: i64) {
        self.now.fetch_add(millis, Ordering::Relaxed);
    }

    pub(crate) fn set_back(&self, seconds: i64) {
        self.set_forward_millis(-seconds * 1000);
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.advance_millis(seconds * 1000);
    }
}

impl Default for FixedClock {
    fn default() -> Self {
        Self { now: Arc::new(AtomicI64::new(NOW * 1000)), passed: Arc::default() }
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::Relaxed))
    }

    fn instant(&self) -> Instant {
        Instant::from_elapsed(Duration::from_millis(self.passed.load(Ordering::Relaxed).unsigned_abs()))
    }
}

/// What a source does when it is read.
#[derive(Clone)]
pub(crate) enum Behaviour {
    Publish(String),
    Fail,
    Hang,
    /// Returns this document after the notification.
    Later(Arc<Notify>, String),
}

/// A key source with a configurable behavior that counts its reads.
#[derive(Clone)]
pub(crate) struct Source {
    behaviour: Arc<Mutex<Behaviour>>,
    fetches: Arc<AtomicU32>,
}

impl Source {
    pub(crate) fn new(behaviour: Behaviour) -> Self {
        Self { behaviour: Arc::new(Mutex::new(behaviour)), fetches: Arc::default() }
    }

    pub(crate) fn publishing(keys: &[Value]) -> Self {
        Self::new(Behaviour::Publish(key_set(keys)))
    }

    pub(crate) fn publish(&self, keys: &[Value]) {
        self.set_behaviour(Behaviour::Publish(key_set(keys)));
    }

    pub(crate) fn set_behaviour(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn fetches(&self) -> u32 {
        self.fetches.load(Ordering::Relaxed)
    }

    pub(crate) fn keys(&self) -> Keys {
        Keys::Jwks(Jwks::new(self.clone()))
    }
}

impl KeySource for Source {
    async fn fetch(&self) -> Result<Bytes, BoxError> {
        self.fetches.fetch_add(1, Ordering::Relaxed);
        let behaviour = self.behaviour.lock().unwrap().clone();
        match behaviour {
            Behaviour::Publish(text) => Ok(text.into()),
            Behaviour::Fail => Err("the source is unavailable".into()),
            Behaviour::Hang => pending().await,
            Behaviour::Later(now, text) => {
                now.notified().await;
                Ok(text.into())
            }
        }
    }
}

pub(crate) fn key_set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

pub(crate) fn secret() -> Keys {
    Keys::Secret(Secret::new(SECRET).unwrap())
}

/// An authenticator without a policy, and its clock.
pub(crate) fn authenticator(keys: Keys) -> (Authenticator<FixedClock>, FixedClock) {
    let clock = FixedClock::default();
    (Authenticator::new(keys, Policy::default(), clock.clone()), clock)
}

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
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        serde_json::to_value(jwk).unwrap()
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
        jsonwebtoken::encode(&header, &claims(), &self.key).unwrap()
    }
}

fn der(text: &str) -> Vec<u8> {
    STANDARD.decode(text.split_whitespace().collect::<String>()).unwrap()
}

/// The claims of a valid token.
pub(crate) fn claims() -> Value {
    json!({ "sub": "alice", "exp": NOW + 3600 })
}

/// Valid claims, but `name` is `value`.
pub(crate) fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().insert(name.to_owned(), value);
    claims
}

/// Valid claims without `name`.
pub(crate) fn claims_without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    claims
}

/// An HS256 token with these claims, signed with [`SECRET`].
pub(crate) fn hs256(claims: &Value) -> String {
    signed(&json!({ "alg": "HS256" }).to_string(), &claims.to_string(), SECRET)
}

/// A token with this header and payload and a valid HMAC-SHA256 signature.
pub(crate) fn signed(header: &str, payload: &str, secret: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}
