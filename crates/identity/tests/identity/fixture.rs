//! Fixtures: a manual clock, a key source that counts its reads, and tokens with arbitrary contents.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use identity::{Authenticator, BoxError, Jwks, KeySource, Keys, Policy, Secret};
use jsonwebtoken::{Algorithm, EncodingKey};
use runtime::{Clock, Instant, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::pair::sign;

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
    sign(header, payload, &EncodingKey::from_secret(secret), Algorithm::HS256)
}
