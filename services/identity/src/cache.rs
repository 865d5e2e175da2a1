//! Tokens that were verified a moment ago.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use lru::LruCache;
use sha2::{Digest as _, Sha256};
use storage::Timestamp;

use crate::{Caller, claims::NumericDate};

/// How many tokens are remembered: those used last.
const CACHED_TOKENS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// SHA-256 of a token: to find an entry by accident is as hard as to forge a signature.
pub(crate) type TokenHash = [u8; 32];

pub(crate) fn hash(token: &str) -> TokenHash {
    Sha256::digest(token).into()
}

/// Remembers whom a verified token speaks for, until it expires or the keys change.
pub(crate) struct TokenCache {
    entries: Mutex<LruCache<TokenHash, Entry>>,
}

struct Entry {
    caller: Caller,
    expires: NumericDate,
    generation: u64,
}

impl TokenCache {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::new(LruCache::new(CACHED_TOKENS)) }
    }

    /// The caller, if the token still holds and was verified with the keys of `generation`.
    pub(crate) fn get(&self, hash: &TokenHash, generation: u64, now: Timestamp) -> Option<Caller> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(hash)?;
        if entry.generation == generation && !entry.expires.is_past(now) {
            return Some(entry.caller.clone());
        }
        entries.pop(hash);
        None
    }

    pub(crate) fn put(&self, hash: TokenHash, generation: u64, expires: NumericDate, caller: Caller) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.put(hash, Entry { caller, expires, generation });
    }
}
