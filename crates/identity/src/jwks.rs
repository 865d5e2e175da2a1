//! A cached JWKS, which is read again when it is too old or lacks a key.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use jsonwebtoken::{Algorithm, DecodingKey};
use runtime::{Clock, Instant};

use crate::{KeySource, KeysUnavailable, TokenRejection, jwk::KeySet, keys::DynKeySource};

/// Keys older than this are read again, so that a withdrawn key is no longer accepted.
pub const MAX_AGE_SECONDS: i64 = 600;

/// Keys older than this are no longer used, even while the source is unavailable: an attacker who blocks the source must not
/// keep a withdrawn key in use for ever. One day.
pub const MAX_OUTAGE_SECONDS: i64 = 24 * 60 * 60;

/// After a read has succeeded or failed, requests start no other for this time: tokens with invented `kid`s cause no load
/// on the source.
pub const REFRESH_INTERVAL_SECONDS: i64 = 10;

/// The most requests that may start a read before the first result of an interval. Further requests are rejected and may
/// retry.
///
/// A request never waits for the read of another request: in a Worker, that other request may be canceled, or resume this
/// one in its own context. A source that is costly to read merges overlapping reads itself.
pub const MAX_FETCHES: u32 = 64;

/// The public keys of a JWKS. While the source is unavailable, the keys of the last successful read stay in use for one day
/// ([`MAX_OUTAGE_SECONDS`]).
pub struct Jwks {
    source: Box<dyn DynKeySource>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    /// Counts the changes of `known`.
    generation: u64,
    interval: Option<Interval>,
    reads_begun: u64,
    last_concluded: u64,
}

/// The result of the last successful read.
struct Known {
    document: Bytes,
    keys: KeySet,
    /// When the read began.
    read_at: Instant,
}

/// A read that has begun and not ended.
struct Attempt {
    number: u64,
    began_at: Instant,
}

/// The reads that started since `began_at`; once one has an outcome, the time since that outcome.
struct Interval {
    began_at: Instant,
    fetches: u32,
    outcome: Option<Outcome>,
}

#[derive(Clone, Copy)]
enum Outcome {
    Read,
    Failed,
}

impl Jwks {
    /// The keys of `source`. The first read happens when a key is first needed.
    #[must_use]
    pub fn new(source: impl KeySource) -> Self {
        Self { source: Box::new(source), state: Mutex::default() }
    }

    /// Reads the source, however fresh the cached keys are.
    pub(crate) async fn refresh(&self, clock: &impl Clock) -> Result<(), KeysUnavailable> {
        let attempt = self.state().begin_read(clock.instant());
        let read = match self.source.fetch().await {
            Ok(document) => KeySet::parse(&document).map(|keys| (document, keys)),
            Err(error) => Err(KeysUnavailable::Fetch(error)),
        };
        self.state().conclude(&attempt, read, clock.instant())
    }

    /// The number of changes of the keys so far. If the keys are too old, one request per interval first reads them again.
    pub(crate) async fn generation(&self, clock: &impl Clock) -> u64 {
        let stale = {
            let (mut state, now) = (self.state(), clock.instant());
            state.is_stale(now) && state.may_fetch(1, now)
        };
        if stale {
            self.refresh_and_log(clock).await;
        }
        let mut state = self.state();
        state.forget_outdated(clock.instant());
        state.generation
    }

    /// The key for a token whose header names `algorithm` and `kid`. Reads the source again if no cached key matches.
    pub(crate) async fn find(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        clock: &impl Clock,
    ) -> Result<DecodingKey, TokenRejection> {
        if let Ok(key) = self.state().find(algorithm, kid) {
            return Ok(key);
        }
        let may_fetch = self.state().may_fetch(MAX_FETCHES, clock.instant());
        if may_fetch {
            self.refresh_and_log(clock).await;
        }
        self.state().find(algorithm, kid)
    }

    async fn refresh_and_log(&self, clock: &impl Clock) {
        if let Err(error) = self.refresh(clock).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot refresh the JWKS; keys that were read less than a day ago, if any, stay in use"
            );
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_stale(&self, now: Instant) -> bool {
        self.known.as_ref().is_some_and(|known| have_passed(MAX_AGE_SECONDS, known.read_at, now))
    }

    /// Removes keys whose last successful read is too long ago. The new generation also invalidates the tokens that they
    /// verified.
    fn forget_outdated(&mut self, now: Instant) {
        let is_outdated = |known: &mut Known| have_passed(MAX_OUTAGE_SECONDS, known.read_at, now);
        if self.known.take_if(is_outdated).is_some() {
            self.generation += 1;
            tracing::error!(
                "the JWKS was not read for one day; its keys are no longer used, and tokens cannot be verified until it is"
            );
        }
    }

    /// Whether one more read may start, with at most `limit` before the first outcome of an interval. Counts the read.
    fn may_fetch(&mut self, limit: u32, now: Instant) -> bool {
        let is_current = |interval: &Interval| !have_passed(REFRESH_INTERVAL_SECONDS, interval.began_at, now);
        self.interval = self.interval.take().filter(is_current);
        let interval = self.interval.get_or_insert(Interval { began_at: now, fetches: 0, outcome: None });
        let may = interval.outcome.is_none() && interval.fetches < limit;
        interval.fetches += u32::from(may);
        may
    }

    fn begin_read(&mut self, now: Instant) -> Attempt {
        self.reads_begun += 1;
        Attempt { number: self.reads_begun, began_at: now }
    }

    fn conclude(
        &mut self,
        attempt: &Attempt,
        read: Result<(Bytes, KeySet), KeysUnavailable>,
        now: Instant,
    ) -> Result<(), KeysUnavailable> {
        if attempt.number < self.last_concluded {
            // A later read ended earlier, and its result is newer.
            return read.map(drop);
        }
        self.last_concluded = attempt.number;
        let outcome = if read.is_ok() { Outcome::Read } else { Outcome::Failed };
        self.interval = Some(Interval { began_at: now, fetches: 0, outcome: Some(outcome) });
        let (document, keys) = read?;
        // The document may be as old as the begin of its read.
        let read_at = attempt.began_at;
        match &mut self.known {
            Some(known) if known.document == document => known.read_at = read_at,
            known => {
                self.generation += 1;
                *known = Some(Known { document, keys, read_at });
            }
        }
        Ok(())
    }

    fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<DecodingKey, TokenRejection> {
        let key = self.known.as_ref().and_then(|known| known.keys.find(algorithm, kid));
        let source_was_read = matches!(self.interval, Some(Interval { outcome: Some(Outcome::Read), .. }));
        match key {
            Some(key) => Ok(key.clone()),
            // The key may be in the document that could not be read.
            None if !source_was_read => Err(TokenRejection::KeysUnavailable),
            None => Err(TokenRejection::UnknownKey),
        }
    }
}

/// Whether at least `seconds` have passed.
fn have_passed(seconds: i64, since: Instant, now: Instant) -> bool {
    now.since(since) >= Duration::from_secs(seconds.unsigned_abs())
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").finish_non_exhaustive()
    }
}
