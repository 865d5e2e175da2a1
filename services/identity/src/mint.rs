//! Tokens made here, for people who try the program and for its tests.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use storage::Timestamp;

use crate::{Secret, UserId};

/// What a new token shall say.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// `sub`: the user it speaks for.
    pub subject: &'a UserId,
    /// `scope`: names with spaces in between; without it the token has [`crate::Scopes::DEFAULT`].
    pub scope: Option<&'a str>,
    /// From now to `exp`; counted in whole seconds.
    pub ttl: Duration,
    /// `iss`
    pub issuer: Option<&'a str>,
    /// `aud`
    pub audience: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

/// An HS256 token that says what `grant` says and holds from `now` on.
#[must_use]
pub fn mint(secret: &Secret, grant: &Grant<'_>, now: Timestamp) -> String {
    let ttl = i64::try_from(grant.ttl.as_secs()).unwrap_or(i64::MAX);
    let claims = Claims {
        sub: grant.subject.as_str(),
        iat: now.as_seconds(),
        exp: now.as_seconds().saturating_add(ttl),
        scope: grant.scope,
        iss: grant.issuer,
        aud: grant.audience,
    };
    let header = URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"HS256"}"#);
    let payload = URL_SAFE_NO_PAD.encode(serde_json::json!(claims).to_string());
    let message = format!("{header}.{payload}");
    let signature = URL_SAFE_NO_PAD.encode(secret.sign(&message));
    format!("{message}.{signature}")
}
