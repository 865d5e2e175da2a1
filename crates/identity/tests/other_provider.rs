//! A process whose `jsonwebtoken` has another provider of cryptography. It is a program of its own, because a process has only
//! one provider.

use std::time::Duration;

use identity::{Authenticator, Keys, Policy, Secret};
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use runtime::{Clock, Instant, Timestamp};

#[derive(Clone)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn instant(&self) -> Instant {
        Instant::from_elapsed(Duration::ZERO)
    }
}

#[test]
#[should_panic(expected = "jsonwebtoken uses another provider")]
fn tokens_are_not_verified_with_the_provider_of_other_code() {
    DEFAULT_PROVIDER.install_default().unwrap();
    let keys = Keys::Secret(Secret::new(&[1; 32]).unwrap());
    let _ = Authenticator::new(keys, Policy::default(), FixedClock);
}
