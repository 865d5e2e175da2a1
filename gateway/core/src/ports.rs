//! What the gateway needs from its host: authentication, time, randomness, timers.

use std::{future::Future, net::IpAddr, pin::Pin, time::Duration};

use http::HeaderMap;
use identity::{Authenticator, Caller, TokenRejection};
use runtime::{Clock, Entropy, Id, Instant, Timer};

/// The ports through which a gateway uses its host.
#[derive(Clone, Debug)]
pub struct Ports<C, E, T> {
    /// Verifies tokens.
    pub authenticator: Authenticator<C>,
    /// Reads the time.
    pub clock: C,
    /// Makes request ids that cannot be guessed.
    pub entropy: E,
    /// Ends calls at their time limit.
    pub timer: T,
}

/// The address of a request's client, for the log. A host that knows it adds it to the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A running timer.
pub(crate) type Sleep = BoxFuture<'static, ()>;

/// [`Ports`] without its type parameters, so that a `Gateway` has none.
pub(crate) trait Host: Send + Sync {
    fn instant(&self) -> Instant;
    fn new_id(&self) -> Id;
    fn fill(&self, buffer: &mut [u8]);
    fn sleep(&self, duration: Duration) -> Sleep;
    fn authenticate<'a>(
        &'a self,
        headers: &'a HeaderMap,
    ) -> BoxFuture<'a, Result<Option<Caller>, TokenRejection>>;
}

impl<C: Clock, E: Entropy, T: Timer> Host for Ports<C, E, T> {
    fn instant(&self) -> Instant {
        self.clock.instant()
    }

    fn new_id(&self) -> Id {
        Id::generate(self.clock.now(), &self.entropy)
    }

    fn fill(&self, buffer: &mut [u8]) {
        self.entropy.fill(buffer);
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(self.timer.sleep(duration))
    }

    fn authenticate<'a>(
        &'a self,
        headers: &'a HeaderMap,
    ) -> BoxFuture<'a, Result<Option<Caller>, TokenRejection>> {
        Box::pin(self.authenticator.authenticate(headers))
    }
}
