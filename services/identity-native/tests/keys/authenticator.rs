//! Rotation and outage, from the token's point of view.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use identity::{Authenticator, Jwks, Keys, Policy, REFRESH_INTERVAL_SECONDS, Refused};
use identity_native::key_source;
use storage::{Clock, Instant, Timestamp};

use crate::{
    pair::{EXPIRES, Pair},
    server::{Reply, Server},
};

/// A clock that stands still until it is told to go on.
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
    let keys = Keys::Jwks(Jwks::new(key_source(source).unwrap()));
    (Authenticator::new(keys, Policy::default(), clock.clone()), clock)
}

async fn refused(authenticator: &Authenticator<FixedClock>, pair: &Pair) -> Option<Refused> {
    authenticator.verify(&pair.token()).await.err()
}

#[tokio::test]
async fn a_new_key_in_the_file_is_found() {
    let [old, new] = [Pair::new(1), Pair::new(2)];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    fs::write(&path, old.document()).unwrap();
    let (authenticator, clock) = authenticator(path.to_str().unwrap());
    assert_eq!(refused(&authenticator, &old).await, None);
    fs::write(&path, new.document()).unwrap();
    clock.advance(REFRESH_INTERVAL_SECONDS);
    assert_eq!(refused(&authenticator, &new).await, None);
    assert_eq!(refused(&authenticator, &old).await, Some(Refused::UnknownKey));
}

#[tokio::test]
async fn keys_behind_a_url_outlive_its_server_and_are_replaced_when_it_is_back() {
    let [old, new] = [Pair::new(1), Pair::new(2)];
    let server = Server::start(Reply::Document(old.document())).await;
    let (authenticator, clock) = authenticator(&server.url());
    authenticator.refresh_keys().await.unwrap();
    assert_eq!(refused(&authenticator, &old).await, None);

    let address = server.address();
    drop(server);
    tokio::task::yield_now().await;
    clock.advance(3600);
    assert!(authenticator.refresh_keys().await.is_err());
    assert_eq!(refused(&authenticator, &old).await, None);
    assert_eq!(refused(&authenticator, &new).await, Some(Refused::KeysUnavailable));

    let _server = Server::start_at(address, Reply::Document(new.document())).await;
    clock.advance(REFRESH_INTERVAL_SECONDS);
    assert_eq!(refused(&authenticator, &new).await, None);
    assert_eq!(refused(&authenticator, &old).await, Some(Refused::UnknownKey));
}

#[tokio::test]
async fn a_flood_of_made_up_kids_reaches_the_server_once() {
    let server = Server::start(Reply::Document(Pair::new(1).document())).await;
    let (authenticator, _) = authenticator(&server.url());
    let pairs: Vec<_> = (2..=30).map(Pair::new).collect();
    let refusals =
        futures_util::future::join_all(pairs.iter().map(|pair| refused(&authenticator, pair))).await;
    assert!(refusals.iter().all(|refusal| *refusal == Some(Refused::UnknownKey)));
    assert_eq!(server.requests(), 1);
}
