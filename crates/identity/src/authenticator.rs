//! Finds the caller of a request from its headers.

use std::{fmt, sync::Arc};

use http::{HeaderMap, header::AUTHORIZATION};
use runtime::Clock;

use crate::{
    Caller, Keys, KeysUnavailable, MAX_TOKEN_BYTES, Policy, TokenRejection,
    cache::{TokenCache, hash},
    provider, token,
};

/// Verifies bearer tokens. Cheap to clone: clones share the keys and the cache of verified tokens.
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
    /// Accepts tokens that `keys` verify and `policy` allows, at the time of `clock`.
    ///
    /// # Panics
    /// If other code of the process has chosen a provider of cryptography for `jsonwebtoken` before: it might accept signatures
    /// that this crate rejects.
    #[must_use]
    pub fn new(keys: Keys, policy: Policy, clock: C) -> Self {
        assert!(
            provider::install(),
            "jsonwebtoken uses another provider; do not install one in this process"
        );
        if let Some(warning) = keys.warning(&policy) {
            tracing::warn!("{warning}: set RETICLE_JWT_ISSUER and RETICLE_JWT_AUDIENCE");
        }
        Self { shared: Arc::new(Shared { keys, policy, cache: TokenCache::new() }), clock }
    }

    /// The caller that the token in the `authorization` header identifies; `None` without such a header.
    ///
    /// # Errors
    /// [`TokenRejection`] if the header has no valid token.
    pub async fn authenticate(&self, headers: &HeaderMap) -> Result<Option<Caller>, TokenRejection> {
        match bearer(headers)? {
            Some(token) => self.verify(token).await.map(Some),
            None => Ok(None),
        }
    }

    /// The caller that `token` identifies.
    ///
    /// # Errors
    /// [`TokenRejection`] with the first reason that is found.
    pub async fn verify(&self, token: &str) -> Result<Caller, TokenRejection> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenRejection::TooLong);
        }
        let now = self.clock.now();
        let generation = self.shared.keys.generation(&self.clock).await;
        let hash = hash(token);
        if let Some(caller) = self.shared.cache.get(&hash, generation, now) {
            return Ok(caller);
        }
        let header = token::decode_header(token)?;
        let key = self.shared.keys.find(header.alg, header.kid.as_deref(), &self.clock).await?;
        let policy = &self.shared.policy;
        let claims = token::decode(token, header.alg, &key, policy)?.check(policy, now)?;
        let caller = Caller::new(claims.user_id, claims.scopes, token.into(), claims.expires_at);
        self.shared.cache.put(hash, generation, caller.clone());
        Ok(caller)
    }

    /// Reads the JWKS, if there is one, however fresh the cached keys are. A host calls it at its start to detect a wrong
    /// setting, and may call it periodically so that requests do not have to wait.
    ///
    /// # Errors
    /// [`KeysUnavailable`] if the read fails; keys that were read before stay in use.
    pub async fn refresh_keys(&self) -> Result<(), KeysUnavailable> {
        match self.shared.keys.jwks() {
            Some(jwks) => jwks.refresh(&self.clock).await,
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

/// The token of an `authorization: Bearer …` header (RFC 6750 section 2.1); the case of the scheme is ignored.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, TokenRejection> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().map_err(|_| TokenRejection::NotBearer)?;
    let (scheme, token) = text.split_once(' ').ok_or(TokenRejection::NotBearer)?;
    let token = token.trim_matches(' ');
    let one_bearer = values.next().is_none() && scheme.eq_ignore_ascii_case("bearer") && !token.is_empty();
    if one_bearer { Ok(Some(token)) } else { Err(TokenRejection::NotBearer) }
}
