//! A cache of recently verified tokens.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use lru::LruCache;
use runtime::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::Caller;

/// The capacity of the cache. The least recently used token is removed first.
const CACHED_TOKENS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// SHA-256 of a token. A collision is as hard to find as it is to forge a signature.
pub(crate) type TokenHash = [u8; 32];

pub(crate) fn hash(token: &str) -> TokenHash {
    Sha256::digest(token).into()
}

/// Maps the hash of a verified token to its caller, until the token expires or the keys change.
pub(crate) struct TokenCache {
    entries: Mutex<LruCache<TokenHash, Entry>>,
}

struct Entry {
    caller: Caller,
    generation: u64,
}

impl TokenCache {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::new(LruCache::new(CACHED_TOKENS)) }
    }

    /// The caller, if the token has not expired and was verified with the keys of `generation`.
    pub(crate) fn get(&self, hash: &TokenHash, generation: u64, now: Timestamp) -> Option<Caller> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(hash)?;
        if entry.generation == generation && !entry.caller.remaining(now).is_zero() {
            return Some(entry.caller.clone());
        }
        entries.pop(hash);
        None
    }

    pub(crate) fn put(&self, hash: TokenHash, generation: u64, caller: Caller) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.put(hash, Entry { caller, generation });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scopes, UserId};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    fn cache_token(cache: &TokenCache, token: &str) -> TokenHash {
        let alice = UserId::parse("alice").unwrap();
        let caller = Caller::new(alice, Scopes::DEFAULT, token.into(), NOW.plus_seconds(60));
        cache.put(hash(token), 1, caller);
        hash(token)
    }

    #[test]
    fn a_token_is_cached_until_it_expires() {
        let cache = TokenCache::new();
        let hash = cache_token(&cache, "a");
        let end = NOW.plus_seconds(60);
        assert!(cache.get(&hash, 1, Timestamp::from_millis(end.as_millis() - 1)).is_some());
        assert!(cache.get(&hash, 1, end).is_none());
        assert!(cache.get(&hash, 1, NOW).is_none(), "an expired entry has been removed");
    }

    #[test]
    fn a_cached_token_is_invalid_after_the_keys_change() {
        let cache = TokenCache::new();
        let hash = cache_token(&cache, "a");
        assert!(cache.get(&hash, 2, NOW).is_none());
    }

    #[test]
    fn the_least_recently_used_token_is_removed_first() {
        let cache = TokenCache::new();
        let hashes: Vec<_> = (0..=CACHED_TOKENS.get()).map(|n| cache_token(&cache, &n.to_string())).collect();
        assert!(cache.get(&hashes[0], 1, NOW).is_none());
        assert!(hashes[1..].iter().all(|hash| cache.get(hash, 1, NOW).is_some()));
    }
}
