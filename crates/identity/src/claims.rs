//! The claims of a token whose signature is valid.

use runtime::Timestamp;
use std::collections::HashSet;

use jsonwebtoken::{Algorithm, Validation};
use serde::{Deserialize, Deserializer};

use crate::{Scopes, TokenRejection, UserId};

/// The tolerated difference between the clock of a token's issuer and the clock of this server.
pub const LEEWAY_SECONDS: i32 = 10;

/// The issuer and the audience that tokens must name. A field that is `None` is not checked.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The only `iss` that is accepted.
    pub issuer: Option<String>,
    /// What `aud` must be, or must list.
    pub audience: Option<String>,
}

impl Policy {
    /// What `jsonwebtoken` checks: the algorithm and the signature, and `iss` and `aud` if they are present. It reads the
    /// system's clock and rounds fractions of a second, so [`Claims::check`] checks the times.
    pub(crate) fn validation(&self, algorithm: Algorithm) -> Validation {
        let one = |value: &Option<String>| value.clone().map(|value| HashSet::from([value]));
        Validation {
            required_spec_claims: HashSet::new(),
            validate_exp: false,
            validate_aud: self.audience.is_some(),
            iss: one(&self.issuer),
            aud: one(&self.audience),
            ..Validation::new(algorithm)
        }
    }
}

/// The claims that matter here (RFC 7519 section 4.1, RFC 8693 section 4.2); others are ignored. `roles` and `permissions`
/// are ignored too: this service does not know what the roles of an application allow.
#[derive(Deserialize)]
pub(crate) struct Claims {
    sub: Option<String>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    iss: Option<String>,
    aud: Option<OneOrMany>,
    /// The standard claim.
    #[serde(default, deserialize_with = "scopes")]
    scope: Option<Scopes>,
    /// The name of the same claim at Okta and Microsoft Entra.
    #[serde(default, deserialize_with = "scopes")]
    scp: Option<Scopes>,
}

impl Claims {
    /// The scopes of the token. If both claims are present, a scope must be in both: each claim may restrict the token.
    fn scopes(&self) -> Scopes {
        match (self.scope, self.scp) {
            (None, None) => Scopes::DEFAULT,
            (Some(only), None) | (None, Some(only)) => only,
            (Some(scope), Some(scp)) => scope.and(scp),
        }
    }
}

/// The scopes of a claim that is present, even if its value is empty or null: a claim without scopes must not count as
/// absent, because a token without the claim has the default scopes.
fn scopes<'de, D: Deserializer<'de>>(claim: D) -> Result<Option<Scopes>, D::Error> {
    Ok(Some(match Option::<OneOrMany>::deserialize(claim)? {
        None => Scopes::NONE,
        Some(OneOrMany::One(text)) => Scopes::parse(&text),
        Some(OneOrMany::Many(texts)) => Scopes::parse(&texts.join(" ")),
    }))
}

/// Seconds since 1970, possibly with a fraction (RFC 7519 section 2).
#[derive(Clone, Copy, Deserialize)]
#[serde(transparent)]
struct NumericDate(f64);

impl NumericDate {
    /// This time plus the leeway: a token with this `exp` is accepted until then.
    #[expect(clippy::cast_possible_truncation, reason = "it saturates at the ends of time")]
    fn with_leeway(self) -> Timestamp {
        Timestamp::from_millis(((self.0 + f64::from(LEEWAY_SECONDS)) * 1000.0).ceil() as i64)
    }

    /// Whether this time minus the leeway is in the future.
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
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// The result of checking valid claims.
pub(crate) struct VerifiedClaims {
    pub(crate) user_id: UserId,
    pub(crate) scopes: Scopes,
    /// Until when the token is accepted.
    pub(crate) expires_at: Timestamp,
}

impl Claims {
    /// Checks the times and the subject, and that the issuer and the audience are present if `policy` names them.
    pub(crate) fn check(self, policy: &Policy, now: Timestamp) -> Result<VerifiedClaims, TokenRejection> {
        let expires_at = self.exp.ok_or(TokenRejection::NoExpiry)?.with_leeway();
        if expires_at <= now {
            return Err(TokenRejection::Expired);
        }
        if self.nbf.is_some_and(|from| from.is_ahead(now)) {
            return Err(TokenRejection::NotYetValid);
        }
        if policy.issuer.is_some() && self.iss.is_none() {
            return Err(TokenRejection::Issuer);
        }
        if policy.audience.is_some() && self.aud.is_none() {
            return Err(TokenRejection::Audience);
        }
        let scopes = self.scopes();
        let subject = self.sub.ok_or(TokenRejection::NoSubject)?;
        let user_id = UserId::parse(&subject).map_err(|_| TokenRejection::Subject)?;
        Ok(VerifiedClaims { user_id, scopes, expires_at })
    }
}
