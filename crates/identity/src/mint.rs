//! Makes tokens, for trying out the program and for its tests.

use std::time::Duration;

use jsonwebtoken::Header;
use runtime::Timestamp;
use serde::Serialize;

use crate::{Secret, UserId, provider};

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
#[expect(clippy::expect_used, reason = "strings and numbers are JSON, and each provider signs HS256")]
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
    provider::install();
    jsonwebtoken::encode(&Header::default(), &claims, secret.signing_key()).expect("HS256 signs any JSON")
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use hmac::{Hmac, Mac as _};
    use jsonwebtoken::Algorithm;
    use serde_json::{Value, json};
    use sha2::Sha256;

    use super::*;
    use crate::{Policy, TokenRejection, token};

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
    fn a_token_is_signed_with_its_secret() {
        let secret = Secret::new(&[1; 32]).unwrap();
        let token = mint(&secret, &grant(&UserId::parse("alice").unwrap()), NOW);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let mac = Hmac::<Sha256>::new_from_slice(&[1; 32]).unwrap().chain_update(message);
        assert_eq!(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()), signature);
        let decode = |secret: &Secret| {
            token::decode(&token, Algorithm::HS256, &secret.key(), &Policy::default()).map(drop)
        };
        assert_eq!(decode(&secret), Ok(()));
        assert_eq!(decode(&Secret::new(&[2; 32]).unwrap()), Err(TokenRejection::Signature));
    }
}
