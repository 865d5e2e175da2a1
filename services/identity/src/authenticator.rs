//! From a request's headers to its caller.

use std::{fmt, sync::Arc};

use http::{HeaderMap, header::AUTHORIZATION};
use storage::Clock;

use crate::{
    Caller, Keys, KeysUnavailable, MAX_TOKEN_BYTES, Policy, Refused,
    cache::{TokenCache, hash},
    token::{self, Header},
};

/// Verifies bearer tokens. Cheap to clone: clones share the keys and the memory of verified tokens.
#[derive(Clone)]
pub struct Authenticator<C> {
    shared: Arc<Shared>,
    clock: C,
}

struct Shared {
    keys: Keys,
    policy: Policy,
    cache: TokenCache,
}

impl<C: Clock> Authenticator<C> {
    /// Accepts tokens that `keys` verify and `policy` allows, by the time of `clock`.
    #[must_use]
    pub fn new(keys: Keys, policy: Policy, clock: C) -> Self {
        if let Some(warning) = keys.warning(&policy) {
            tracing::warn!("{warning}: set RETICLE_JWT_ISSUER and RETICLE_JWT_AUDIENCE");
        }
        Self { shared: Arc::new(Shared { keys, policy, cache: TokenCache::new() }), clock }
    }

    /// The caller whom the `authorization` header proves; `None` if there is no such header.
    ///
    /// # Errors
    /// [`Refused`] if there is one and it proves nothing.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Caller>, Refused> {
        match bearer(headers)? {
            Some(token) => self.verify(token).await.map(Some),
            None => Ok(None),
        }
    }

    /// The caller whom `token` speaks for.
    ///
    /// # Errors
    /// [`Refused`], by the first reason that is found.
    pub async fn verify(&self, token: &str) -> Result<Caller, Refused> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refused::TooLong);
        }
        let (now, instant) = (self.clock.now(), self.clock.instant());
        let generation = self.shared.keys.generation(instant).await;
        let hash = hash(token);
        if let Some(caller) = self.shared.cache.get(&hash, generation, now) {
            return Ok(caller);
        }
        let Header { algorithm, kid } = Header::parse(token)?;
        let key = self.shared.keys.find(algorithm, kid.as_deref(), instant).await?;
        let proof = token::open(token, &key)?.check(&self.shared.policy, now)?;
        let caller = Caller::new(proof.user_id, proof.scopes, token.into(), proof.expires_at);
        self.shared.cache.put(hash, generation, caller.clone());
        Ok(caller)
    }

    /// Reads the JWKS, if there is one, whatever the age of what is known. A host calls it at its start, to learn of a
    /// bad setting, and may call it now and then, to spare requests the wait.
    ///
    /// # Errors
    /// [`KeysUnavailable`] if that fails; keys that were read before stay in use.
    pub async fn refresh_keys(&self) -> Result<(), KeysUnavailable> {
        match self.shared.keys.jwks() {
            Some(jwks) => jwks.refresh(self.clock.instant()).await,
            None => Ok(()),
        }
    }
}

impl<C> fmt::Debug for Authenticator<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("keys", &self.shared.keys)
            .field("policy", &self.shared.policy)
            .finish_non_exhaustive()
    }
}

/// The token of an `authorization: Bearer …` header (RFC 6750 section 2.1); the scheme is spelled in either case.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().map_err(|_| Refused::NotBearer)?;
    let (scheme, token) = text.split_once(' ').ok_or(Refused::NotBearer)?;
    let token = token.trim_matches(' ');
    let one_bearer = values.next().is_none() && scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
    if one_bearer { Ok(Some(token)) } else { Err(Refused::NotBearer) }
}
