//! What is rejected although `jsonwebtoken` alone accepts it, and the reverse.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use identity::{Authenticator, Policy, TokenRejection};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, crypto::rust_crypto::DEFAULT_PROVIDER};
use serde_json::json;

use crate::{
    fixture::{FixedClock, SECRET, Source, authenticator, claims, claims_with, hs256, secret, signed},
    pair::{Pair, sign},
};

async fn rejection(token: &str) -> Option<TokenRejection> {
    authenticator(secret()).0.verify(token).await.err()
}

/// The bytes R of this signature are the neutral point. It was computed with the private key of [`Pair::ed25519`].
const SMALL_ORDER: [&str; 2] = [
    "eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6MTgwMDAwMzYwMH0",
    "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABssszDHXhZggMXLf9Yc8xR7WYnexjFwTie1ryu_6uhDg",
];

#[tokio::test]
async fn a_signature_with_a_point_of_small_order_is_rejected() {
    let ed = Pair::ed25519();
    let [message, signature] = SMALL_ORDER;
    let key = DecodingKey::from_jwk(&serde_json::from_value(ed.jwk()).unwrap()).unwrap();
    let theirs = (DEFAULT_PROVIDER.verifier_factory)(&Algorithm::EdDSA, &key).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(theirs.verify(message.as_bytes(), &signature).is_ok(), "the provider of `jsonwebtoken`");

    let (authenticator, _) = authenticator(Source::publishing(&[ed.jwk()]).keys());
    let verified = authenticator.verify(&SMALL_ORDER.join(".")).await;
    assert_eq!(verified.err(), Some(TokenRejection::Signature));
}

#[tokio::test]
async fn claims_are_one_object_of_utf8_text() {
    let list = r#"["alice",1800003600,null,null,null,null,null]"#;
    for claims in [list.as_bytes(), b"{\"sub\":\"alice\",\"exp\":1800003600,\"name\":\"\xdc\"}"] {
        let token = sign(r#"{"alg":"HS256"}"#, claims, &EncodingKey::from_secret(SECRET), Algorithm::HS256);
        assert_eq!(rejection(&token).await, Some(TokenRejection::Claims), "{claims:?}");
    }
}

#[tokio::test]
async fn an_issuer_is_one_string_and_an_audience_is_one_or_a_list() {
    let issuer = json!("https://id.example");
    for claims in [
        claims_with("iss", json!([issuer])),
        claims_with("iss", json!(7)),
        claims_with("aud", json!(7)),
        claims_with("aud", json!({"reticle": true})),
    ] {
        let policy = Policy { issuer: issuer.as_str().map(str::to_owned), audience: None };
        let authenticator = Authenticator::new(secret(), policy, FixedClock::default());
        let verified = authenticator.verify(&hs256(&claims)).await;
        assert_eq!(verified.err(), Some(TokenRejection::Claims), "{claims}");
    }
}

#[tokio::test]
async fn a_token_without_issuer_and_audience_is_rejected_for_its_issuer() {
    let [issuer, audience] = ["https://id.example", "reticle"].map(|name| Some(name.to_owned()));
    let authenticator = Authenticator::new(secret(), Policy { issuer, audience }, FixedClock::default());
    let verified = authenticator.verify(&hs256(&claims())).await;
    assert_eq!(verified.err(), Some(TokenRejection::Issuer));
}

#[tokio::test]
async fn standard_members_of_a_header_have_the_types_of_the_rfc() {
    for (member, value) in [("typ", json!(7)), ("kid", json!(7)), ("x5c", json!("MII")), ("jwk", json!([]))] {
        let header = json!({ "alg": "HS256", member: value }).to_string();
        let token = signed(&header, &claims().to_string(), SECRET);
        assert_eq!(rejection(&token).await, Some(TokenRejection::Malformed), "{header}");
    }
}
