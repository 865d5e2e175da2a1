//! Which tokens are accepted, and why others are rejected.

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use identity::{
    Authenticator, Caller, Keys, LEEWAY_SECONDS, MAX_TOKEN_BYTES, Policy, Secret, TokenRejection,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use runtime::Timestamp;
use serde_json::{Value, json};

use crate::{
    fixture::{
        FixedClock, NOW, SECRET, Source, authenticator, claims, claims_with, claims_without, hs256, secret,
        signed,
    },
    pair::{Pair, encode},
};

async fn verify(token: &str) -> Result<String, TokenRejection> {
    user(authenticator(secret()).0.verify(token).await)
}

fn user(caller: Result<Caller, TokenRejection>) -> Result<String, TokenRejection> {
    caller.map(|caller| caller.user_id().to_string())
}

fn alice() -> Result<String, TokenRejection> {
    Ok("alice".to_owned())
}

#[tokio::test]
async fn a_valid_token_identifies_its_caller() {
    let token = hs256(&claims());
    let caller = authenticator(secret()).0.verify(&token).await.unwrap();
    assert_eq!(caller.user_id().as_str(), "alice");
    assert_eq!(caller.token(), token);
    let expires_at = Timestamp::from_millis(claims()["exp"].as_i64().unwrap() * 1_000);
    assert_eq!(caller.remaining(expires_at).as_secs(), u64::from(LEEWAY_SECONDS.unsigned_abs()));
}

#[tokio::test]
async fn each_of_the_four_algorithms_is_accepted_with_its_key() {
    let pairs = [Pair::rsa(), Pair::p256(), Pair::ed25519()];
    let source = Source::publishing(&pairs.each_ref().map(Pair::jwk));
    let both = Keys::SecretAndJwks(Secret::new(SECRET).unwrap(), identity::Jwks::new(source));
    let (authenticator, _) = authenticator(both);
    for token in pairs.iter().map(Pair::token).chain([hs256(&claims())]) {
        assert_eq!(user(authenticator.verify(&token).await), alice(), "{token}");
    }
}

#[tokio::test]
async fn an_unsigned_token_is_rejected_for_every_spelling_of_none() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let token = signed(&json!({ "alg": alg }).to_string(), &claims().to_string(), SECRET);
        assert_eq!(verify(&token).await, Err(TokenRejection::Algorithm), "{alg}");
        let (message, _) = token.rsplit_once('.').unwrap();
        assert_eq!(
            verify(&format!("{message}.")).await,
            Err(TokenRejection::Algorithm),
            "{alg} without a signature"
        );
    }
}

#[tokio::test]
async fn an_algorithm_that_is_not_configured_is_rejected_even_with_the_right_key() {
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let key = EncodingKey::from_secret(SECRET);
        let token = encode(&Header::new(algorithm), &claims(), &key);
        assert_eq!(verify(&token).await, Err(TokenRejection::Algorithm));
    }
    assert_eq!(verify(&Pair::p256().token()).await, Err(TokenRejection::Algorithm));

    let rsa = Pair::rsa();
    let (authenticator, _) = authenticator(Source::publishing(&[rsa.jwk_without("alg")]).keys());
    for algorithm in [Algorithm::RS384, Algorithm::PS256] {
        let header = Header { kid: Some("rsa".to_owned()), ..Header::new(algorithm) };
        let token = encode(&header, &claims(), &rsa.key);
        assert_eq!(user(authenticator.verify(&token).await), Err(TokenRejection::Algorithm));
    }
    assert_eq!(user(authenticator.verify(&hs256(&claims())).await), Err(TokenRejection::Algorithm));
}

#[tokio::test]
async fn a_public_key_is_not_accepted_as_a_shared_secret() {
    let rsa = Pair::rsa();
    let jwk = rsa.jwk();
    let modulus = jwk.get("n").and_then(Value::as_str).unwrap().to_owned();
    let header = json!({ "alg": "HS256", "kid": "rsa" }).to_string();
    for public in [jwk.to_string(), modulus] {
        let token = signed(&header, &claims().to_string(), public.as_bytes());
        let source = Source::publishing(&[rsa.jwk()]);
        let (only_jwks, _) = authenticator(source.keys());
        assert_eq!(user(only_jwks.verify(&token).await), Err(TokenRejection::Algorithm));
        let jwks = identity::Jwks::new(source);
        let (both, _) = authenticator(Keys::SecretAndJwks(Secret::new(SECRET).unwrap(), jwks));
        assert_eq!(user(both.verify(&token).await), Err(TokenRejection::Signature));
    }
}

#[tokio::test]
async fn a_token_signed_with_another_key_is_rejected() {
    let other = signed(r#"{"alg":"HS256"}"#, &claims().to_string(), b"another secret of at least 32 bytes!");
    assert_eq!(verify(&other).await, Err(TokenRejection::Signature));

    let (authenticator, _) = authenticator(Source::publishing(&[Pair::p256().jwk()]).keys());
    let forged = Pair::other_p256().token_with_kid(Some("p256"));
    assert_eq!(user(authenticator.verify(&forged).await), Err(TokenRejection::Signature));
}

#[tokio::test]
async fn a_signature_is_valid_only_for_its_own_message() {
    let pairs = [Pair::rsa(), Pair::p256(), Pair::ed25519()];
    let (authenticator, _) = authenticator(Source::publishing(&pairs.each_ref().map(Pair::jwk)).keys());
    for pair in pairs {
        let [named, nameless] = [pair.token(), pair.token_with_kid(None)];
        let (message, signature) = named.rsplit_once('.').unwrap();
        let (_, other) = nameless.rsplit_once('.').unwrap();
        for forged in [other, "", &signature[..40]] {
            let token = format!("{message}.{forged}");
            assert_eq!(user(authenticator.verify(&token).await), Err(TokenRejection::Signature), "{token}");
        }
    }
}

#[tokio::test]
async fn an_altered_token_is_rejected() {
    let [good, evil] = [claims(), claims_with("sub", json!("mallory"))].map(|claims| hs256(&claims));
    let parts: Vec<_> = good.split('.').collect();
    let (evil_message, _) = evil.rsplit_once('.').unwrap();
    let [header, payload, signature] = parts.try_into().unwrap();
    assert_eq!(verify(&format!("{evil_message}.{signature}")).await, Err(TokenRejection::Signature));
    assert_eq!(verify(&format!("{header}.{payload}.")).await, Err(TokenRejection::Signature));
    assert_eq!(
        verify(&format!("{header}.{payload}.{}", &signature[..40])).await,
        Err(TokenRejection::Signature)
    );
}

#[tokio::test]
async fn text_that_is_not_a_jwt_is_rejected() {
    let good = hs256(&claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    for token in [
        "",
        ".",
        "..",
        "alice",
        message,
        &format!("{good}.{signature}"),
        &format!("{good}="),
        &format!("{message}.!{signature}"),
        &signed("[]", &claims().to_string(), SECRET),
        &signed(r#"{"typ":"JWT"}"#, &claims().to_string(), SECRET),
    ] {
        assert_eq!(verify(token).await, Err(TokenRejection::Malformed), "{token}");
    }
}

#[tokio::test]
async fn invalid_claims_are_reported_only_if_the_signature_is_valid() {
    for claims in ["[]", "not json", r#"{"sub":"alice","sub":"bob","exp":9999999999}"#] {
        let token = signed(r#"{"alg":"HS256"}"#, claims, SECRET);
        assert_eq!(verify(&token).await, Err(TokenRejection::Claims), "{claims}");
        let forged = signed(r#"{"alg":"HS256"}"#, claims, b"another secret, of another party");
        assert_eq!(verify(&forged).await, Err(TokenRejection::Signature), "{claims}");
    }
}

#[tokio::test]
async fn a_token_is_parsed_up_to_the_maximum_length() {
    assert_eq!(verify(&"a".repeat(MAX_TOKEN_BYTES)).await, Err(TokenRejection::Malformed));
    assert_eq!(verify(&"a".repeat(MAX_TOKEN_BYTES + 1)).await, Err(TokenRejection::TooLong));
    assert_eq!(verify(&hs256(&claims_with("pad", json!("x".repeat(6000))))).await, alice());
}

#[tokio::test]
async fn a_token_must_have_an_expiry_and_a_subject() {
    for (claims, expected) in [
        (claims_without("exp"), TokenRejection::NoExpiry),
        (claims_with("exp", Value::Null), TokenRejection::NoExpiry),
        (claims_with("exp", json!("tomorrow")), TokenRejection::Claims),
        (claims_with("exp", json!(-1)), TokenRejection::Expired),
        (claims_without("sub"), TokenRejection::NoSubject),
        (claims_with("sub", Value::Null), TokenRejection::NoSubject),
        (claims_with("sub", json!(7)), TokenRejection::Claims),
        (claims_with("scope", json!(7)), TokenRejection::Claims),
        (claims_with("scope", json!(["images:read", 7])), TokenRejection::Claims),
        (claims_with("scope", json!({"images:read": true})), TokenRejection::Claims),
        (claims_with("scp", json!(false)), TokenRejection::Claims),
        (claims_with("scp", json!([["images:read"]])), TokenRejection::Claims),
        (claims_with("sub", json!("")), TokenRejection::Subject),
        (claims_with("sub", json!("a\nb")), TokenRejection::Subject),
        (claims_with("sub", json!("x".repeat(256))), TokenRejection::Subject),
    ] {
        assert_eq!(verify(&hs256(&claims)).await, Err(expected), "{claims}");
    }
}

#[tokio::test]
async fn a_token_is_valid_until_its_expiry_plus_the_leeway() {
    for exp in [json!(NOW + 60), json!(f64::from(i32::try_from(NOW).unwrap()) + 60.0)] {
        let token = hs256(&claims_with("exp", exp));
        let (authenticator, clock) = authenticator(secret());
        clock.advance_millis((60 + i64::from(LEEWAY_SECONDS)) * 1000 - 1);
        assert_eq!(user(authenticator.verify(&token).await), alice());
        clock.advance_millis(1);
        assert_eq!(user(authenticator.verify(&token).await), Err(TokenRejection::Expired));
    }
}

#[tokio::test]
async fn a_token_is_valid_from_its_nbf_minus_the_leeway() {
    let token = hs256(&claims_with("nbf", json!(NOW + 60)));
    let (authenticator, clock) = authenticator(secret());
    clock.advance_millis((60 - i64::from(LEEWAY_SECONDS)) * 1000 - 1);
    assert_eq!(user(authenticator.verify(&token).await), Err(TokenRejection::NotYetValid));
    clock.advance_millis(1);
    assert_eq!(user(authenticator.verify(&token).await), alice());
}

#[tokio::test]
async fn for_a_forged_token_the_expiry_is_not_reported() {
    let expired = claims_with("exp", json!(1)).to_string();
    let token = signed(r#"{"alg":"HS256"}"#, &expired, b"another secret of at least 32 bytes!");
    assert_eq!(verify(&token).await, Err(TokenRejection::Signature));
}

#[tokio::test]
async fn issuer_and_audience_are_checked_if_they_are_configured() {
    let named = |claim: &str, value| hs256(&claims_with(claim, value));
    let plain = hs256(&claims());
    let issuer = Policy { issuer: Some("https://id.example".to_owned()), audience: None };
    let audience = Policy { issuer: None, audience: Some("reticle".to_owned()) };
    for (policy, token, expected) in [
        (&issuer, named("iss", json!("https://id.example")), alice()),
        (&issuer, named("iss", json!("https://id.example/")), Err(TokenRejection::Issuer)),
        (&issuer, plain.clone(), Err(TokenRejection::Issuer)),
        (&audience, named("aud", json!("reticle")), alice()),
        (&audience, named("aud", json!(["other", "reticle"])), alice()),
        (&audience, named("aud", json!(["other"])), Err(TokenRejection::Audience)),
        (&audience, named("aud", json!("other")), Err(TokenRejection::Audience)),
        (&audience, plain, Err(TokenRejection::Audience)),
        (&Policy::default(), named("aud", json!("other")), alice()),
    ] {
        let keys = Keys::Secret(Secret::new(SECRET).unwrap());
        let authenticator = Authenticator::new(keys, policy.clone(), FixedClock::default());
        assert_eq!(user(authenticator.verify(&token).await), expected, "{policy:?} {token}");
    }
}

#[tokio::test]
async fn a_header_that_requires_an_unknown_extension_is_rejected() {
    for crit in [r#"["b64"]"#, "[]", "null", "false", "{}"] {
        let header = format!(r#"{{"alg":"HS256","crit":{crit},"b64":true}}"#);
        let token = signed(&header, &claims().to_string(), SECRET);
        assert_eq!(verify(&token).await, Err(TokenRejection::Extension), "{crit}");
    }
}

#[tokio::test]
async fn a_token_is_verified_once_while_it_is_valid() {
    let (authenticator, clock) = authenticator(secret());
    let token = hs256(&claims());
    let first = authenticator.verify(&token).await.unwrap();
    let again = authenticator.clone().verify(&token).await.unwrap();
    assert!(std::ptr::eq(first.token(), again.token()), "the second result is from the cache");
    clock.advance(3600 + i64::from(LEEWAY_SECONDS));
    assert_eq!(user(authenticator.verify(&token).await), Err(TokenRejection::Expired));
}

fn authorization(values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
}

#[tokio::test]
async fn the_authorization_header_must_be_absent_or_one_bearer_token() {
    let (authenticator, _) = authenticator(secret());
    let token = hs256(&claims());
    let authenticate = async |values: &[&str]| {
        let caller = authenticator.authenticate(&authorization(values)).await?;
        Ok(caller.map(|caller| caller.user_id().to_string()))
    };
    let bearer = format!("Bearer {token}");
    assert_eq!(authenticate(&[]).await, Ok(None));
    assert_eq!(authenticate(&[&bearer]).await.unwrap().as_deref(), Some("alice"));
    assert_eq!(authenticate(&[&format!("bEARER   {token} ")]).await.unwrap().as_deref(), Some("alice"));
    for values in [&[""][..], &["Bearer"], &["Bearer "], &[&token], &["Basic YTpi"], &[&bearer, &bearer]] {
        assert_eq!(authenticate(values).await, Err(TokenRejection::NotBearer), "{values:?}");
    }
}
