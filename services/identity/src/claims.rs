//! What a token says, once its signature is known to hold.

use serde::{Deserialize, Deserializer};
use storage::Timestamp;

use crate::{Refused, Scopes, UserId};

/// How far the clock of whoever made a token may be from ours.
pub const LEEWAY_SECONDS: i32 = 10;

/// Which issuer and audience tokens must name; without them, any or none will do.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The only `iss` that is accepted.
    pub issuer: Option<String>,
    /// What `aud` must be, or must list.
    pub audience: Option<String>,
}

/// The claims that matter here (RFC 7519 section 4.1, RFC 8693 section 4.2); others are ignored. `roles` and `permissions`
/// are among those: what an application's roles allow is not for this service to guess.
#[derive(Deserialize)]
pub(crate) struct Claims {
    sub: Option<String>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    iss: Option<String>,
    aud: Option<Texts>,
    /// The standard claim.
    #[serde(default, deserialize_with = "scopes")]
    scope: Option<Scopes>,
    /// What Okta and Microsoft Entra call it.
    #[serde(default, deserialize_with = "scopes")]
    scp: Option<Scopes>,
}

impl Claims {
    /// What the token allows. Where both claims are present, a scope must be in both: each of them may narrow the token.
    fn scopes(&self) -> Scopes {
        match (self.scope, self.scp) {
            (None, None) => Scopes::DEFAULT,
            (Some(only), None) | (None, Some(only)) => only,
            (Some(scope), Some(scp)) => scope.and(scp),
        }
    }
}

/// The scopes of a claim that is present, whatever it holds: a claim that allows nothing must not count as absent, since a
/// token without one has the default scopes.
fn scopes<'de, D: Deserializer<'de>>(claim: D) -> Result<Option<Scopes>, D::Error> {
    Ok(Some(match Option::<Texts>::deserialize(claim)? {
        None => Scopes::NONE,
        Some(Texts::One(text)) => Scopes::parse(&text),
        Some(Texts::Many(texts)) => Scopes::parse(&texts.join(" ")),
    }))
}

/// Seconds since 1970, not necessarily whole (RFC 7519 section 2).
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
struct NumericDate(f64);

impl NumericDate {
    /// This moment with the leeway granted: until then, a token that expires now is accepted.
    #[expect(clippy::cast_possible_truncation, reason = "it saturates at the ends of time")]
    fn with_leeway(self) -> Timestamp {
        Timestamp::from_millis(((self.0 + f64::from(LEEWAY_SECONDS)) * 1000.0).ceil() as i64)
    }

    /// Whether this moment, with the leeway granted, is still to come.
    fn is_ahead(self, now: Timestamp) -> bool {
        self.0 - f64::from(LEEWAY_SECONDS) > seconds(now)
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of any plausible year are below 2^53")]
fn seconds(now: Timestamp) -> f64 {
    now.as_millis() as f64 / 1000.0
}

/// A claim that is one string or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}

impl Texts {
    fn has(&self, wanted: &str) -> bool {
        match self {
            Self::One(name) => name == wanted,
            Self::Many(names) => names.iter().any(|name| name == wanted),
        }
    }
}

/// What a token proves at a moment at which it holds.
pub(crate) struct Proof {
    pub(crate) user_id: UserId,
    pub(crate) scopes: Scopes,
    /// Until when the token is accepted.
    pub(crate) expires_at: Timestamp,
}

impl Claims {
    pub(crate) fn check(self, policy: &Policy, now: Timestamp) -> Result<Proof, Refused> {
        let expires_at = self.exp.ok_or(Refused::NoExpiry)?.with_leeway();
        if expires_at <= now {
            return Err(Refused::Expired);
        }
        if self.nbf.is_some_and(|from| from.is_ahead(now)) {
            return Err(Refused::NotYetValid);
        }
        if policy.issuer.as_ref().is_some_and(|wanted| self.iss.as_ref() != Some(wanted)) {
            return Err(Refused::Issuer);
        }
        let is_for = |wanted: &String| self.aud.as_ref().is_some_and(|aud| aud.has(wanted));
        if policy.audience.as_ref().is_some_and(|wanted| !is_for(wanted)) {
            return Err(Refused::Audience);
        }
        let scopes = self.scopes();
        let subject = self.sub.ok_or(Refused::NoSubject)?;
        let user_id = UserId::parse(&subject).map_err(|_| Refused::Subject)?;
        Ok(Proof { user_id, scopes, expires_at })
    }
}
