//! Which tokens are accepted, and why the others are not.

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use identity::{
    Authenticator, Caller, Keys, LEEWAY_SECONDS, MAX_TOKEN_BYTES, Policy, Refused, Scope, Secret,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use storage::Timestamp;

use crate::fixture::{
    FixedClock, NOW, Pair, SECRET, Source, authenticator, claims, claims_with, claims_without, hs256, secret,
    signed,
};

async fn verify(token: &str) -> Result<String, Refused> {
    user(authenticator(secret()).0.verify(token).await)
}

fn user(caller: Result<Caller, Refused>) -> Result<String, Refused> {
    caller.map(|caller| caller.user_id().to_string())
}

fn alice() -> Result<String, Refused> {
    Ok("alice".to_owned())
}

#[tokio::test]
async fn a_good_token_names_its_caller() {
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
async fn an_unsigned_token_is_refused_however_none_is_spelled() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let token = signed(&json!({ "alg": alg }).to_string(), &claims().to_string(), SECRET);
        assert_eq!(verify(&token).await, Err(Refused::Algorithm), "{alg}");
        let (message, _) = token.rsplit_once('.').unwrap();
        assert_eq!(
            verify(&format!("{message}.")).await,
            Err(Refused::Algorithm),
            "{alg} without a signature"
        );
    }
}

#[tokio::test]
async fn an_algorithm_that_is_not_configured_is_refused_even_with_the_right_key() {
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let key = EncodingKey::from_secret(SECRET);
        let token = jsonwebtoken::encode(&Header::new(algorithm), &claims(), &key).unwrap();
        assert_eq!(verify(&token).await, Err(Refused::Algorithm));
    }
    assert_eq!(verify(&Pair::p256().token()).await, Err(Refused::Algorithm));

    let rsa = Pair::rsa();
    let (authenticator, _) = authenticator(Source::publishing(&[rsa.jwk_without("alg")]).keys());
    for algorithm in [Algorithm::RS384, Algorithm::PS256] {
        let header = Header { kid: Some("rsa".to_owned()), ..Header::new(algorithm) };
        let token = jsonwebtoken::encode(&header, &claims(), &rsa.key).unwrap();
        assert_eq!(user(authenticator.verify(&token).await), Err(Refused::Algorithm));
    }
    assert_eq!(user(authenticator.verify(&hs256(&claims())).await), Err(Refused::Algorithm));
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let rsa = Pair::rsa();
    let jwk = rsa.jwk();
    let modulus = jwk.get("n").and_then(Value::as_str).unwrap().to_owned();
    let header = json!({ "alg": "HS256", "kid": "rsa" }).to_string();
    for public in [jwk.to_string(), modulus] {
        let token = signed(&header, &claims().to_string(), public.as_bytes());
        let source = Source::publishing(&[rsa.jwk()]);
        let (only_jwks, _) = authenticator(source.keys());
        assert_eq!(user(only_jwks.verify(&token).await), Err(Refused::Algorithm));
        let jwks = identity::Jwks::new(source);
        let (both, _) = authenticator(Keys::SecretAndJwks(Secret::new(SECRET).unwrap(), jwks));
        assert_eq!(user(both.verify(&token).await), Err(Refused::Signature));
    }
}

#[tokio::test]
async fn a_token_signed_with_another_key_is_refused() {
    let other = signed(r#"{"alg":"HS256"}"#, &claims().to_string(), b"another secret of at least 32 bytes!");
    assert_eq!(verify(&other).await, Err(Refused::Signature));

    let (authenticator, _) = authenticator(Source::publishing(&[Pair::p256().jwk()]).keys());
    let forged = Pair::other_p256().token_with_kid(Some("p256"));
    assert_eq!(user(authenticator.verify(&forged).await), Err(Refused::Signature));
}

#[tokio::test]
async fn a_signature_is_good_for_its_own_message_only() {
    let pairs = [Pair::rsa(), Pair::p256(), Pair::ed25519()];
    let (authenticator, _) = authenticator(Source::publishing(&pairs.each_ref().map(Pair::jwk)).keys());
    for pair in pairs {
        let [named, nameless] = [pair.token(), pair.token_with_kid(None)];
        let (message, signature) = named.rsplit_once('.').unwrap();
        let (_, other) = nameless.rsplit_once('.').unwrap();
        for forged in [other, "", &signature[..40]] {
            let token = format!("{message}.{forged}");
            assert_eq!(user(authenticator.verify(&token).await), Err(Refused::Signature), "{token}");
        }
    }
}

#[tokio::test]
async fn an_altered_token_is_refused() {
    let [good, evil] = [claims(), claims_with("sub", json!("mallory"))].map(|claims| hs256(&claims));
    let parts: Vec<_> = good.split('.').collect();
    let (evil_message, _) = evil.rsplit_once('.').unwrap();
    let [header, payload, signature] = parts.try_into().unwrap();
    assert_eq!(verify(&format!("{evil_message}.{signature}")).await, Err(Refused::Signature));
    assert_eq!(verify(&format!("{header}.{payload}.")).await, Err(Refused::Signature));
    assert_eq!(verify(&format!("{header}.{payload}.{}", &signature[..40])).await, Err(Refused::Signature));
}

#[tokio::test]
async fn what_is_not_a_jwt_is_refused() {
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
        assert_eq!(verify(token).await, Err(Refused::Malformed), "{token}");
    }
}

#[tokio::test]
async fn claims_that_are_signed_and_no_claims_are_told_apart_from_what_is_no_token() {
    for claims in ["[]", "not json", r#"{"sub":"alice","sub":"bob","exp":9999999999}"#] {
        let token = signed(r#"{"alg":"HS256"}"#, claims, SECRET);
        assert_eq!(verify(&token).await, Err(Refused::Claims), "{claims}");
        let forged = signed(r#"{"alg":"HS256"}"#, claims, b"another secret, of another party");
        assert_eq!(verify(&forged).await, Err(Refused::Signature), "{claims}");
    }
}

#[tokio::test]
async fn a_token_is_looked_at_up_to_its_longest_length() {
    assert_eq!(verify(&"a".repeat(MAX_TOKEN_BYTES)).await, Err(Refused::Malformed));
    assert_eq!(verify(&"a".repeat(MAX_TOKEN_BYTES + 1)).await, Err(Refused::TooLong));
    assert_eq!(verify(&hs256(&claims_with("pad", json!("x".repeat(6000))))).await, alice());
}

#[tokio::test]
async fn a_token_must_say_when_it_expires_and_whose_it_is() {
    for (claims, expected) in [
        (claims_without("exp"), Refused::NoExpiry),
        (claims_with("exp", Value::Null), Refused::NoExpiry),
        (claims_with("exp", json!("tomorrow")), Refused::Claims),
        (claims_with("exp", json!(-1)), Refused::Expired),
        (claims_without("sub"), Refused::NoSubject),
        (claims_with("sub", Value::Null), Refused::NoSubject),
        (claims_with("sub", json!(7)), Refused::Claims),
        (claims_with("scope", json!(7)), Refused::Claims),
        (claims_with("scope", json!(["images:read", 7])), Refused::Claims),
        (claims_with("scope", json!({"images:read": true})), Refused::Claims),
        (claims_with("scp", json!(false)), Refused::Claims),
        (claims_with("scp", json!([["images:read"]])), Refused::Claims),
        (claims_with("sub", json!("")), Refused::Subject),
        (claims_with("sub", json!("a\nb")), Refused::Subject),
        (claims_with("sub", json!("x".repeat(256))), Refused::Subject),
    ] {
        assert_eq!(verify(&hs256(&claims)).await, Err(expected), "{claims}");
    }
}

#[tokio::test]
async fn a_token_holds_until_its_expiry_and_the_leeway_are_over() {
    for exp in [json!(NOW + 60), json!(f64::from(i32::try_from(NOW).unwrap()) + 60.0)] {
        let token = hs256(&claims_with("exp", exp));
        let (authenticator, clock) = authenticator(secret());
        clock.advance_millis((60 + i64::from(LEEWAY_SECONDS)) * 1000 - 1);
        assert_eq!(user(authenticator.verify(&token).await), alice());
        clock.advance_millis(1);
        assert_eq!(user(authenticator.verify(&token).await), Err(Refused::Expired));
    }
}

#[tokio::test]
async fn a_token_holds_from_its_nbf_less_the_leeway_on() {
    let token = hs256(&claims_with("nbf", json!(NOW + 60)));
    let (authenticator, clock) = authenticator(secret());
    clock.advance_millis((60 - i64::from(LEEWAY_SECONDS)) * 1000 - 1);
    assert_eq!(user(authenticator.verify(&token).await), Err(Refused::NotYetValid));
    clock.advance_millis(1);
    assert_eq!(user(authenticator.verify(&token).await), alice());
}

#[tokio::test]
async fn a_forged_token_is_not_told_that_it_has_expired() {
    let expired = claims_with("exp", json!(1)).to_string();
    let token = signed(r#"{"alg":"HS256"}"#, &expired, b"another secret of at least 32 bytes!");
    assert_eq!(verify(&token).await, Err(Refused::Signature));
}

#[tokio::test]
async fn issuer_and_audience_count_where_they_are_configured() {
    let named = |claim: &str, value| hs256(&claims_with(claim, value));
    let plain = hs256(&claims());
    let issuer = Policy { issuer: Some("https://id.example".to_owned()), audience: None };
    let audience = Policy { issuer: None, audience: Some("reticle".to_owned()) };
    for (policy, token, expected) in [
        (&issuer, named("iss", json!("https://id.example")), alice()),
        (&issuer, named("iss", json!("https://id.example/")), Err(Refused::Issuer)),
        (&issuer, plain.clone(), Err(Refused::Issuer)),
        (&audience, named("aud", json!("reticle")), alice()),
        (&audience, named("aud", json!(["other", "reticle"])), alice()),
        (&audience, named("aud", json!(["other"])), Err(Refused::Audience)),
        (&audience, named("aud", json!("other")), Err(Refused::Audience)),
        (&audience, plain, Err(Refused::Audience)),
        (&Policy::default(), named("aud", json!("other")), alice()),
    ] {
        let keys = Keys::Secret(Secret::new(SECRET).unwrap());
        let authenticator = Authenticator::new(keys, policy.clone(), FixedClock::default());
        assert_eq!(user(authenticator.verify(&token).await), expected, "{policy:?} {token}");
    }
}

#[tokio::test]
async fn a_header_that_demands_an_unknown_extension_is_refused() {
    for crit in [r#"["b64"]"#, "[]", "null", "false", "{}"] {
        let header = format!(r#"{{"alg":"HS256","crit":{crit},"b64":true}}"#);
        let token = signed(&header, &claims().to_string(), SECRET);
        assert_eq!(verify(&token).await, Err(Refused::Extension), "{crit}");
    }
}

#[tokio::test]
async fn a_scope_claim_replaces_the_scopes_that_come_by_default() {
    let (authenticator, _) = authenticator(secret());
    let default = authenticator.verify(&hs256(&claims())).await.unwrap();
    assert!(default.may(Scope::ImagesWrite) && !default.may(Scope::OwnersAny));
    let model = hs256(&claims_with("scope", json!("annotations:write owners:any")));
    let model = authenticator.verify(&model).await.unwrap();
    assert!(
        model.may(Scope::AnnotationsWrite) && model.may(Scope::OwnersAny) && !model.may(Scope::ImagesRead)
    );
    let nothing = authenticator.verify(&hs256(&claims_with("scope", json!("")))).await.unwrap();
    assert!(!nothing.may(Scope::ImagesRead));
}

/// Which scopes a token has whose claims are good and hold `further` ones.
async fn scopes_with(further: &Value) -> Vec<&'static str> {
    let mut claims = claims();
    claims.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    let caller = authenticator(secret()).0.verify(&hs256(&claims)).await.unwrap();
    Scope::ALL.into_iter().filter(|scope| caller.may(*scope)).map(Scope::name).collect()
}

#[tokio::test]
async fn scopes_are_read_however_a_provider_writes_them() {
    let both = ["images:read", "owners:any"];
    for further in [
        json!({"scope": "images:read owners:any"}),
        json!({"scope": ["images:read", "owners:any"]}),
        json!({"scope": ["images:read owners:any", "openid"]}),
        json!({"scp": "images:read owners:any"}),
        json!({"scp": ["images:read", "owners:any", "offline_access"]}),
        json!({"scope": "images:read owners:any", "scp": ["owners:any", "images:read"]}),
    ] {
        assert_eq!(scopes_with(&further).await, both, "{further}");
    }
}

#[tokio::test]
async fn a_claim_that_is_present_never_counts_as_absent() {
    for further in [
        json!({"scp": "user_impersonation"}),
        json!({"scp": ["openid", "profile"]}),
        json!({"scp": []}),
        json!({"scp": ""}),
        json!({"scp": null}),
        json!({"scope": null}),
        json!({"scope": []}),
        json!({"scope": "openid"}),
        json!({"scope": "", "scp": "images:read"}),
        json!({"scope": "images:read", "scp": "owners:any"}),
    ] {
        assert_eq!(scopes_with(&further).await, [""; 0], "{further}");
    }
    let narrowed = json!({"scope": "images:read images:write", "scp": ["images:read", "owners:any"]});
    assert_eq!(scopes_with(&narrowed).await, ["images:read"]);
}

#[tokio::test]
async fn roles_and_permissions_neither_give_nor_take() {
    let default = scopes_with(&json!({})).await;
    assert_eq!(default.len(), 4);
    for further in [json!({"roles": ["owners:any"]}), json!({"permissions": ["owners:any"]})] {
        assert_eq!(scopes_with(&further).await, default, "{further}");
    }
}

#[tokio::test]
async fn a_token_is_verified_once_while_it_holds() {
    let (authenticator, clock) = authenticator(secret());
    let token = hs256(&claims());
    let first = authenticator.verify(&token).await.unwrap();
    let again = authenticator.clone().verify(&token).await.unwrap();
    assert!(std::ptr::eq(first.token(), again.token()), "the second answer was remembered");
    clock.advance(3600 + i64::from(LEEWAY_SECONDS));
    assert_eq!(user(authenticator.verify(&token).await), Err(Refused::Expired));
}

fn authorization(values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap())).collect()
}

#[tokio::test]
async fn the_authorization_header_is_absent_or_one_bearer_token() {
    let (authenticator, _) = authenticator(secret());
    let token = hs256(&claims());
    let ask = async |values: &[&str]| {
        let caller = authenticator.authenticate(&authorization(values)).await?;
        Ok(caller.map(|caller| caller.user_id().to_string()))
    };
    let bearer = format!("Bearer {token}");
    assert_eq!(ask(&[]).await, Ok(None));
    assert_eq!(ask(&[&bearer]).await.unwrap().as_deref(), Some("alice"));
    assert_eq!(ask(&[&format!("bEARER   {token} ")]).await.unwrap().as_deref(), Some("alice"));
    for values in [&[""][..], &["Bearer"], &["Bearer "], &[&token], &["Basic YTpi"], &[&bearer, &bearer]] {
        assert_eq!(ask(values).await, Err(Refused::NotBearer), "{values:?}");
    }
}
