//! Rotation and outages of keys: which tokens an authenticator accepts.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use identity::{Authenticator, Jwks, Keys, Policy, REFRESH_INTERVAL_SECONDS, TokenRejection};
use identity_native::parse_key_source;
use runtime::{Clock, Instant, Timestamp};

use crate::{
    pair::{EXPIRES, Pair},
    server::{Reply, Server},
};

/// A clock that moves only when a test advances it.
#[derive(Clone)]
struct FixedClock(Arc<AtomicI64>);

impl FixedClock {
    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn instant(&self) -> Instant {
        Instant::from_elapsed(Duration::from_millis(self.now().as_millis().unsigned_abs()))
    }
}

fn authenticator(source: &str) -> (Authenticator<FixedClock>, FixedClock) {
    let clock = FixedClock(Arc::new(AtomicI64::new((EXPIRES - 86_400) * 1000)));
    let keys = Keys::Jwks(Jwks::new(parse_key_source(source).unwrap()));
    (Authenticator::new(keys, Policy::default(), clock.clone()), clock)
}

async fn rejection(authenticator: &Authenticator<FixedClock>, pair: &Pair) -> Option<TokenRejection> {
    authenticator.verify(&pair.token()).await.err()
}

#[tokio::test]
async fn a_new_key_in_the_file_is_used() {
    let [old, new] = [Pair::new(1), Pair::new(2)];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    fs::write(&path, old.document()).unwrap();
    let (authenticator, clock) = authenticator(path.to_str().unwrap());
    assert_eq!(rejection(&authenticator, &old).await, None);
    fs::write(&path, new.document()).unwrap();
    clock.advance(REFRESH_INTERVAL_SECONDS);
    assert_eq!(rejection(&authenticator, &new).await, None);
    assert_eq!(rejection(&authenticator, &old).await, Some(TokenRejection::UnknownKey));
}

#[tokio::test]
async fn keys_of_a_url_stay_in_use_during_an_outage_and_are_replaced_after_it() {
    let [old, new] = [Pair::new(1), Pair::new(2)];
    let server = Server::start(Reply::Document(old.document())).await;
    let (authenticator, clock) = authenticator(&server.url());
    authenticator.refresh_keys().await.unwrap();
    assert_eq!(rejection(&authenticator, &old).await, None);

    let address = server.address();
    drop(server);
    tokio::task::yield_now().await;
    clock.advance(3600);
    assert!(authenticator.refresh_keys().await.is_err());
    assert_eq!(rejection(&authenticator, &old).await, None);
    assert_eq!(rejection(&authenticator, &new).await, Some(TokenRejection::KeysUnavailable));

    let _server = Server::start_at(address, Reply::Document(new.document())).await;
    clock.advance(REFRESH_INTERVAL_SECONDS);
    assert_eq!(rejection(&authenticator, &new).await, None);
    assert_eq!(rejection(&authenticator, &old).await, Some(TokenRejection::UnknownKey));
}

#[tokio::test]
async fn a_flood_of_invented_kids_sends_one_request_to_the_server() {
    let server = Server::start(Reply::Document(Pair::new(1).document())).await;
    let (authenticator, _) = authenticator(&server.url());
    let pairs: Vec<_> = (2..=30).map(Pair::new).collect();
    let rejections =
        futures_util::future::join_all(pairs.iter().map(|pair| rejection(&authenticator, pair))).await;
    assert!(rejections.iter().all(|rejection| *rejection == Some(TokenRejection::UnknownKey)));
    assert_eq!(server.requests(), 1);
}
