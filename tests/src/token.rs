//! Tokens for test users.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use identity::{Grant, Secret, UserId};
use runtime::Timestamp;
use serde_json::Value;
use sha2::Sha256;

/// The secret that signs all tokens in tests.
pub const SECRET: &str = "a secret for tests, and for nothing else";

/// A token that is valid for an hour, with these scopes. An empty text leaves out the claim `scope`.
#[must_use]
#[expect(clippy::expect_used, reason = "constants and test users' names are valid")]
pub fn mint(subject: &str, scopes: &str) -> String {
    let subject = UserId::parse(subject).expect("a test user's name is a user id");
    let secret = Secret::new(SECRET.as_bytes()).expect("the secret is long enough");
    let scope = (!scopes.is_empty()).then_some(scopes);
    let grant =
        Grant { subject: &subject, scope, ttl: Duration::from_secs(3600), issuer: None, audience: None };
    identity::mint(&secret, &grant, now())
}

/// The time of this machine.
#[must_use]
pub fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// A token with any header and claims. Always signed with HMAC-SHA256 and `secret`, regardless of the header's `alg`.
#[must_use]
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
pub fn sign(header: &Value, claims: &Value, secret: &str) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    let signature = mac.chain_update(&message).finalize().into_bytes();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
