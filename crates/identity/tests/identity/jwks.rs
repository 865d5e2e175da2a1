//! Published keys: rotation, outages, floods of requests, and unusable keys.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use identity::{MAX_AGE_SECONDS, MAX_FETCHES, MAX_OUTAGE_SECONDS, REFRESH_INTERVAL_SECONDS, TokenRejection};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    fixture::{Behaviour, Source, authenticator, claims_with, key_set},
    pair::{Pair, encode},
};

/// Polls a future once.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test]
async fn a_key_that_was_published_later_is_found() {
    let [old, new] = [Pair::p256(), Pair::other_p256()];
    let source = Source::publishing(&[old.jwk()]);
    let (authenticator, clock) = authenticator(source.keys());
    assert!(authenticator.verify(&old.token()).await.is_ok());
    assert_eq!(source.fetches(), 1);

    source.publish(&[old.jwk(), new.jwk()]);
    clock.advance(REFRESH_INTERVAL_SECONDS);
    assert!(authenticator.verify(&new.token()).await.is_ok());
    assert!(authenticator.verify(&old.token()).await.is_ok());
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn a_flood_of_invented_kids_reads_the_source_once_per_interval() {
    let pair = Pair::p256();
    let source = Source::publishing(&[pair.jwk()]);
    let (authenticator, clock) = authenticator(source.keys());
    let flood = async |round: u32| {
        for n in 0..20 {
            let token = pair.token_with_kid(Some(&format!("{round}-{n}")));
            assert_eq!(authenticator.verify(&token).await.err(), Some(TokenRejection::UnknownKey));
        }
    };
    flood(1).await;
    assert_eq!(source.fetches(), 1);
    clock.advance_millis(REFRESH_INTERVAL_SECONDS * 1000 - 1);
    flood(2).await;
    assert_eq!(source.fetches(), 1);
    clock.advance_millis(1);
    flood(3).await;
    assert_eq!(source.fetches(), 2);
    assert!(authenticator.verify(&pair.token()).await.is_ok());
}

#[tokio::test]
async fn known_keys_stay_in_use_while_the_source_is_unavailable() {
    let [known, later] = [Pair::p256(), Pair::other_p256()];
    let source = Source::publishing(&[known.jwk()]);
    let (authenticator, clock) = authenticator(source.keys());
    assert!(authenticator.verify(&known.token()).await.is_ok());

    let garbage = Behaviour::Publish("<html>".to_owned());
    let empty = Behaviour::Publish(r#"{"keys":[]}"#.to_owned());
    for trouble in [Behaviour::Fail, garbage, empty] {
        source.set_behaviour(trouble);
        clock.advance(MAX_AGE_SECONDS);
        assert!(authenticator.verify(&known.token()).await.is_ok());
        assert_eq!(authenticator.verify(&later.token()).await.err(), Some(TokenRejection::KeysUnavailable));
        assert!(authenticator.refresh_keys().await.is_err());
    }

    source.publish(&[later.jwk()]);
    clock.advance(REFRESH_INTERVAL_SECONDS);
    assert!(authenticator.verify(&later.token()).await.is_ok());
}

#[tokio::test]
async fn keys_expire_if_the_source_is_unavailable_for_too_long() {
    let pair = Pair::p256();
    let source = Source::publishing(&[pair.jwk()]);
    let (authenticator, clock) = authenticator(source.keys());
    let hour = 3_600;
    let claims = claims_with("exp", json!(crate::fixture::NOW + MAX_OUTAGE_SECONDS + 2 * hour));
    let header =
        jsonwebtoken::Header { kid: Some(pair.kid.to_owned()), ..jsonwebtoken::Header::new(pair.algorithm) };
    let token = encode(&header, &claims, &pair.key);
    assert!(authenticator.verify(&token).await.is_ok());
    source.set_behaviour(Behaviour::Fail);
    clock.advance_millis(MAX_OUTAGE_SECONDS * 1000 - 1);
    assert!(authenticator.verify(&token).await.is_ok());
    clock.advance_millis(1);
    assert_eq!(
        authenticator.verify(&token).await.err(),
        Some(TokenRejection::KeysUnavailable),
        "also for a cached token"
    );
    source.publish(&[pair.jwk()]);
    clock.advance(REFRESH_INTERVAL_SECONDS);
    assert!(authenticator.verify(&token).await.is_ok());
    source.publish(&[Pair::other_p256().jwk()]);
    clock.advance(MAX_AGE_SECONDS);
    assert_eq!(authenticator.verify(&token).await.err(), Some(TokenRejection::UnknownKey));
}

#[tokio::test]
async fn leading_zeros_of_a_modulus_are_ignored() {
    let rsa = Pair::rsa();
    let modulus = URL_SAFE_NO_PAD.decode(rsa.jwk()["n"].as_str().unwrap()).unwrap();
    let padded = |zeros: usize, modulus: &[u8]| URL_SAFE_NO_PAD.encode([&vec![0; zeros], modulus].concat());
    for zeros in [1, 300] {
        let jwk = rsa.jwk_with("n", json!(padded(zeros, &modulus)));
        let (authenticator, _) = authenticator(Source::publishing(&[jwk]).keys());
        assert!(authenticator.verify(&rsa.token()).await.is_ok(), "{zeros}");
    }
    // Half of the modulus has 1024 bits, even with leading zeros.
    let half = rsa.jwk_with("n", json!(padded(128, &modulus[128..])));
    let (authenticator, _) = authenticator(Source::publishing(&[half, Pair::p256().jwk()]).keys());
    assert_eq!(authenticator.verify(&rsa.token()).await.err(), Some(TokenRejection::UnknownKey));
}

#[tokio::test]
async fn a_point_of_small_order_is_not_accepted_as_a_key() {
    let ed = Pair::ed25519();
    // The neutral point: with it, the signature below would be valid for every message.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let weak = ed.jwk_with("x", json!(URL_SAFE_NO_PAD.encode(neutral)));
    let (authenticator, _) = authenticator(Source::publishing(&[weak, Pair::p256().jwk()]).keys());
    let token = ed.token();
    let (message, _) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.encode([neutral, [0; 32]].concat());
    let forged = authenticator.verify(&format!("{message}.{signature}")).await;
    assert_eq!(forged.err(), Some(TokenRejection::UnknownKey));
}

#[tokio::test]
async fn a_withdrawn_key_is_not_accepted_even_for_tokens_that_were_verified_before() {
    let [gone, stays] = [Pair::p256(), Pair::other_p256()];
    let source = Source::publishing(&[gone.jwk(), stays.jwk()]);
    let (authenticator, clock) = authenticator(source.keys());
    assert!(authenticator.verify(&gone.token()).await.is_ok());

    source.publish(&[stays.jwk()]);
    let token = gone.token();
    clock.advance_millis(MAX_AGE_SECONDS * 1000 - 1);
    assert!(authenticator.verify(&token).await.is_ok());
    clock.advance_millis(1);
    assert_eq!(authenticator.verify(&token).await.err(), Some(TokenRejection::UnknownKey));
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn without_any_keys_a_token_is_neither_accepted_nor_called_invalid() {
    let source = Source::new(Behaviour::Fail);
    let (authenticator, clock) = authenticator(source.keys());
    for _ in 0..3 {
        assert_eq!(
            authenticator.verify(&Pair::p256().token()).await.err(),
            Some(TokenRejection::KeysUnavailable)
        );
    }
    assert_eq!(source.fetches(), 1);
    source.publish(&[Pair::p256().jwk()]);
    clock.advance(REFRESH_INTERVAL_SECONDS);
    assert!(authenticator.verify(&Pair::p256().token()).await.is_ok());
}

#[tokio::test]
async fn while_the_source_hangs_at_most_max_fetches_requests_wait_for_it() {
    let source = Source::new(Behaviour::Hang);
    let (authenticator, _) = authenticator(source.keys());
    let token = Pair::p256().token();
    for _ in 0..MAX_FETCHES {
        assert!(poll_once(authenticator.verify(&token)).is_pending());
    }
    let one_more = poll_once(authenticator.verify(&token)).map(Result::err);
    assert_eq!(one_more, Poll::Ready(Some(TokenRejection::KeysUnavailable)));
    assert_eq!(source.fetches(), MAX_FETCHES);
}

#[tokio::test]
async fn after_a_request_is_cancelled_the_next_one_reads_the_keys() {
    let source = Source::new(Behaviour::Hang);
    let (authenticator, _) = authenticator(source.keys());
    let token = Pair::p256().token();
    assert!(poll_once(authenticator.verify(&token)).is_pending());
    source.publish(&[Pair::p256().jwk()]);
    assert!(authenticator.verify(&token).await.is_ok());
}

#[tokio::test]
async fn one_request_reads_old_keys_again_and_the_others_do_not_wait() {
    let pair = Pair::p256();
    let source = Source::publishing(&[pair.jwk()]);
    let (authenticator, clock) = authenticator(source.keys());
    assert!(authenticator.verify(&pair.token()).await.is_ok());
    source.set_behaviour(Behaviour::Hang);
    clock.advance(MAX_AGE_SECONDS);
    let token = pair.token();
    let mut first = pin!(authenticator.verify(&token));
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(matches!(poll_once(authenticator.verify(&token)), Poll::Ready(Ok(_))));
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn a_slow_read_does_not_replace_the_result_of_a_later_one() {
    let [old, new] = [Pair::p256(), Pair::other_p256()];
    let publish = Arc::new(Notify::new());
    let source = Source::new(Behaviour::Later(Arc::clone(&publish), key_set(&[old.jwk()])));
    let (authenticator, _) = authenticator(source.keys());
    let token = old.token();
    let mut slow = pin!(authenticator.verify(&token));
    assert!(slow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());

    source.publish(&[new.jwk()]);
    assert!(authenticator.verify(&new.token()).await.is_ok());
    publish.notify_one();
    assert_eq!(slow.await.err(), Some(TokenRejection::UnknownKey));
    assert!(authenticator.verify(&new.token()).await.is_ok());
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn the_time_without_reads_starts_at_the_end_of_a_read() {
    let pair = Pair::p256();
    let publish = Arc::new(Notify::new());
    let source = Source::new(Behaviour::Later(Arc::clone(&publish), key_set(&[pair.jwk()])));
    let (authenticator, clock) = authenticator(source.keys());
    let token = pair.token_with_kid(Some("1"));
    let mut slow = pin!(authenticator.verify(&token));
    assert!(slow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    clock.advance(REFRESH_INTERVAL_SECONDS);
    publish.notify_one();
    assert_eq!(slow.await.err(), Some(TokenRejection::UnknownKey));

    source.publish(&[pair.jwk()]);
    let invented = pair.token_with_kid(Some("2"));
    clock.advance_millis(REFRESH_INTERVAL_SECONDS * 1000 - 1);
    assert_eq!(authenticator.verify(&invented).await.err(), Some(TokenRejection::UnknownKey));
    assert_eq!(source.fetches(), 1);
    clock.advance_millis(1);
    assert_eq!(authenticator.verify(&invented).await.err(), Some(TokenRejection::UnknownKey));
    assert_eq!(source.fetches(), 2);
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_keep_old_keys_in_use() {
    let [old, new] = [Pair::p256(), Pair::other_p256()];
    let source = Source::publishing(&[old.jwk()]);
    let (authenticator, clock) = authenticator(source.keys());
    assert!(authenticator.verify(&old.token()).await.is_ok());
    source.publish(&[new.jwk()]);
    clock.set_back(86_400);
    clock.advance(MAX_AGE_SECONDS);
    assert_eq!(authenticator.verify(&old.token()).await.err(), Some(TokenRejection::UnknownKey));
    assert!(authenticator.verify(&new.token()).await.is_ok());
}

#[tokio::test]
async fn unusable_keys_are_ignored() {
    let [rsa, p256, ed] = [Pair::rsa(), Pair::p256(), Pair::ed25519()];
    let secret = json!({ "kty": "oct", "kid": "p256", "alg": "HS256", "k": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY" });
    let unusable: [(&Pair, Value); 15] = [
        (&p256, p256.jwk_with("use", json!("enc"))),
        (&p256, p256.jwk_with("key_ops", json!(["sign"]))),
        (&p256, p256.jwk_with("alg", json!("ES384"))),
        (&p256, p256.jwk_with("alg", json!("HS256"))),
        (&p256, p256.jwk_with("crv", json!("P-384"))),
        (&p256, p256.jwk_with("x", json!("AAAA"))),
        // Not on the curve.
        (&p256, p256.jwk_with("x", json!("A".repeat(43)))),
        (&p256, p256.jwk_with("kty", json!("RSA"))),
        (&p256, p256.jwk_with("kid", json!(7))),
        (&p256, secret),
        (&rsa, rsa.jwk_with("n", json!("u".repeat(340)))),
        (&rsa, rsa.jwk_with("n", json!("u".repeat(684)))),
        (&rsa, rsa.jwk_with("e", json!("Ag"))),
        (&ed, ed.jwk_with("x", json!("AAAA"))),
        (&ed, ed.jwk_with("crv", json!("Ed448"))),
    ];
    for (pair, jwk) in unusable {
        let good = Pair::other_p256();
        let source = Source::publishing(&[jwk.clone(), json!("not a key"), good.jwk()]);
        let (authenticator, _) = authenticator(source.keys());
        assert!(authenticator.verify(&good.token()).await.is_ok(), "{jwk}");
        assert_eq!(
            authenticator.verify(&pair.token()).await.err(),
            Some(TokenRejection::UnknownKey),
            "{jwk}"
        );
    }
}

#[tokio::test]
async fn a_key_that_is_marked_for_signatures_is_used() {
    let pair = Pair::p256();
    for jwk in [
        pair.jwk_with("use", json!("sig")),
        pair.jwk_with("key_ops", json!(["verify"])),
        pair.jwk_with("x5t", json!("unknown members are ignored")),
        pair.jwk_without("alg"),
    ] {
        let (authenticator, _) = authenticator(Source::publishing(&[jwk]).keys());
        assert!(authenticator.verify(&pair.token()).await.is_ok());
    }
}

#[tokio::test]
async fn a_token_without_kid_is_accepted_if_only_one_key_matches() {
    let [p256, other, ed] = [Pair::p256(), Pair::other_p256(), Pair::ed25519()];
    let token = p256.token_with_kid(None);
    let (one, _) = authenticator(Source::publishing(&[p256.jwk(), ed.jwk()]).keys());
    assert!(one.verify(&token).await.is_ok());
    let (two, _) = authenticator(Source::publishing(&[p256.jwk(), other.jwk()]).keys());
    assert_eq!(two.verify(&token).await.err(), Some(TokenRejection::UnknownKey));
}

#[tokio::test]
async fn a_kid_does_not_select_a_key_of_another_algorithm() {
    let [p256, ed] = [Pair::p256(), Pair::ed25519()];
    let (authenticator, _) = authenticator(Source::publishing(&[p256.jwk(), ed.jwk()]).keys());
    let token = ed.token_with_kid(Some("p256"));
    assert_eq!(authenticator.verify(&token).await.err(), Some(TokenRejection::UnknownKey));
}

#[tokio::test]
async fn a_cached_token_does_not_match_another_token() {
    let (authenticator, _) = authenticator(Source::publishing(&[Pair::p256().jwk()]).keys());
    let good = Pair::p256().token();
    assert!(authenticator.verify(&good).await.is_ok());
    let key = Pair::p256().key;
    let header = jsonwebtoken::Header {
        kid: Some("p256".to_owned()),
        ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256)
    };
    let other = encode(&header, &claims_with("sub", json!("bob")), &key);
    let bob = authenticator.verify(&other).await.unwrap();
    assert_eq!(bob.user_id().as_str(), "bob");
}
