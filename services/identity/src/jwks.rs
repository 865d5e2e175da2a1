//! A JWKS that is kept, and read again when it is old or lacks a key.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use jsonwebtoken::{Algorithm, DecodingKey};
use storage::Timestamp;

use crate::{KeySource, KeysUnavailable, Refused, jwk::KeySet, keys::AnyKeySource};

/// Keys older than this are read again, so that one that was withdrawn stops to count.
pub const MAX_AGE_SECONDS: i64 = 600;

/// Once the source has answered or failed, requests leave it alone for so long: tokens with made-up `kid`s cost it nothing.
pub const REFRESH_INTERVAL_SECONDS: i64 = 10;

/// How many requests may begin to read the source before its first answer of an interval; further ones are refused, to
/// try again.
///
/// A request never waits for another's read: in a Worker, that other may be cancelled, or resume this one in its own
/// context. A source that is costly to read joins reads that overlap.
pub const MAX_FETCHES: u32 = 64;

/// The public keys of a JWKS. While the source is away, the keys that were read last stay in use.
pub struct Jwks {
    source: Box<dyn AnyKeySource>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<Known>,
    interval: Option<Interval>,
}

/// What was read last.
struct Known {
    document: Bytes,
    keys: KeySet,
    generation: u64,
    read_at: Timestamp,
}

/// The reads since `began_at`.
struct Interval {
    began_at: Timestamp,
    fetches: u32,
    outcome: Option<Outcome>,
}

#[derive(Clone, Copy)]
enum Outcome {
    Read,
    Failed,
}

impl Jwks {
    /// The keys of `source`, which is first read when they are first needed.
    #[must_use]
    pub fn new(source: impl KeySource) -> Self {
        Self { source: Box::new(source), state: Mutex::default() }
    }

    /// Reads the source, whatever is known.
    pub(crate) async fn refresh(&self, now: Timestamp) -> Result<(), KeysUnavailable> {
        let read = match self.source.fetch().await {
            Ok(document) => KeySet::parse(&document).map(|keys| (document, keys)),
            Err(error) => Err(KeysUnavailable::Fetch(error)),
        };
        self.state().conclude(read, now)
    }

    /// Counts the changes of the keys. If they are too old, one request an interval reads them again first.
    pub(crate) async fn generation(&self, now: Timestamp) -> u64 {
        let stale = {
            let mut state = self.state();
            state.is_stale(now) && state.may_fetch(1, now)
        };
        if stale {
            self.refresh_and_log(now).await;
        }
        self.state().known.as_ref().map_or(0, |known| known.generation)
    }

    /// The key for a token whose header names `algorithm` and `kid`; reads the source again if it is not known.
    pub(crate) async fn find(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        now: Timestamp,
    ) -> Result<DecodingKey, Refused> {
        if let Ok(key) = self.state().find(algorithm, kid) {
            return Ok(key);
        }
        let may_fetch = self.state().may_fetch(MAX_FETCHES, now);
        if may_fetch {
            self.refresh_and_log(now).await;
        }
        self.state().find(algorithm, kid)
    }

    async fn refresh_and_log(&self, now: Timestamp) {
        if let Err(error) = self.refresh(now).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the JWKS could not be refreshed");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_stale(&self, now: Timestamp) -> bool {
        self.known.as_ref().is_some_and(|known| known.read_at.plus_seconds(MAX_AGE_SECONDS) <= now)
    }

    /// Whether one more read may begin, if `limit` are allowed before the first outcome of an interval; counts it.
    fn may_fetch(&mut self, limit: u32, now: Timestamp) -> bool {
        let is_over = |interval: &Interval| interval.began_at.plus_seconds(REFRESH_INTERVAL_SECONDS) <= now;
        if self.interval.as_ref().is_none_or(is_over) {
            self.interval = Some(Interval { began_at: now, fetches: 0, outcome: None });
        }
        let Some(interval) = &mut self.interval else { return false };
        let may = interval.outcome.is_none() && interval.fetches < limit;
        interval.fetches += u32::from(may);
        may
    }

    fn conclude(
        &mut self,
        read: Result<(Bytes, KeySet), KeysUnavailable>,
        now: Timestamp,
    ) -> Result<(), KeysUnavailable> {
        let outcome = if read.is_ok() { Outcome::Read } else { Outcome::Failed };
        self.interval = Some(Interval { began_at: now, fetches: 0, outcome: Some(outcome) });
        let (document, keys) = read?;
        match &mut self.known {
            // An earlier read that took longer has nothing new to say.
            Some(known) if known.read_at > now => {}
            Some(known) if known.document == document => known.read_at = now,
            known => {
                let generation = known.as_ref().map_or(1, |known| known.generation + 1);
                *known = Some(Known { document, keys, generation, read_at: now });
            }
        }
        Ok(())
    }

    fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<DecodingKey, Refused> {
        let key = self.known.as_ref().and_then(|known| known.keys.find(algorithm, kid));
        let source_answered = matches!(self.interval, Some(Interval { outcome: Some(Outcome::Read), .. }));
        match key {
            Some(key) => Ok(key.clone()),
            // The key may be in the document that could not be read.
            None if !source_answered => Err(Refused::KeysUnavailable),
            None => Err(Refused::UnknownKey),
        }
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").finish_non_exhaustive()
    }
}
