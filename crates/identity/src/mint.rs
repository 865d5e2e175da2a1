//! Makes tokens, for trying out the program and for its tests.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use runtime::Timestamp;
use serde::Serialize;

use crate::{Secret, UserId};

/// The claims of a new token.
#[derive(Clone, Debug)]
pub struct Grant<'a> {
    /// `sub`: the user that the token identifies.
    pub subject: &'a UserId,
    /// `scope`: names separated by spaces; without it the token has [`crate::Scopes::DEFAULT`].
    pub scope: Option<&'a str>,
    /// The time from now to `exp`; fractions of a second are dropped.
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

/// Makes an HS256 token with the claims of `grant`, valid from `now` on.
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

#[cfg(test)]
mod tests {
    use jsonwebtoken::Algorithm;
    use serde_json::{Value, json};

    use super::*;
    use crate::token;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_999);

    fn part(token: &str, index: usize) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap())
            .unwrap()
    }

    fn grant(subject: &UserId) -> Grant<'_> {
        Grant { subject, scope: None, ttl: Duration::from_secs(3600), issuer: None, audience: None }
    }

    #[test]
    fn a_token_has_exactly_the_granted_claims() {
        let secret = Secret::new(&[1; 32]).unwrap();
        let alice = UserId::parse("alice \"a\"").unwrap();
        let token = mint(&secret, &grant(&alice), NOW);
        assert_eq!(part(&token, 0), json!({ "typ": "JWT", "alg": "HS256" }));
        let claims = json!({ "sub": "alice \"a\"", "iat": 1_800_000_000, "exp": 1_800_003_600 });
        assert_eq!(part(&token, 1), claims);
        let full =
            Grant { scope: Some("images:read"), issuer: Some("i"), audience: Some("a"), ..grant(&alice) };
        let claims = part(&mint(&secret, &full, NOW), 1);
        assert_eq!(
            (&claims["scope"], &claims["iss"], &claims["aud"]),
            (&json!("images:read"), &json!("i"), &json!("a"))
        );
    }

    #[test]
    fn jsonwebtoken_verifies_the_signature_of_a_token() {
        let secret = Secret::new(&[1; 32]).unwrap();
        let token = mint(&secret, &grant(&UserId::parse("alice").unwrap()), NOW);
        let key = jsonwebtoken::DecodingKey::from_secret(&[1; 32]);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let verified = jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, Algorithm::HS256);
        assert_eq!(verified, Ok(true));
        assert!(token::verify_signature(&token, &secret.key()).is_ok());
        let other = Secret::new(&[2; 32]).unwrap();
        assert!(token::verify_signature(&token, &other.key()).is_err());
    }
}
