//! The keys that verify the tokens of callers, and the key of a Worker's own opaque tokens.

use aip::TokenKey;
use identity::{Authenticator, Jwks, Keys, Policy, Secret, SigningKey};
use storage_worker::WorkerClock;

use crate::{Bindings, Misconfigured, keys::UrlKeys};

const SECRET: &str = "RETICLE_JWT_SECRET";
const JWKS: &str = "RETICLE_JWKS";
const URL_KEY: &str = "RETICLE_URL_KEY";

/// Builds the authenticator from `RETICLE_JWT_SECRET`, `RETICLE_JWKS` or both, and from `RETICLE_JWT_ISSUER` and
/// `RETICLE_JWT_AUDIENCE` if they are set. The keys behind a URL are read when they are first needed.
///
/// # Errors
/// If there is neither a secret nor a URL, or one of them is invalid.
pub fn authenticator(bindings: Bindings<'_>) -> Result<Authenticator<WorkerClock>, Misconfigured> {
    let secret = bindings.text(SECRET)?.map(|text| Secret::new(text.as_bytes())).transpose();
    let secret = secret.map_err(|short| Misconfigured::new(SECRET, short))?;
    let jwks = bindings.text(JWKS)?.map(|url| UrlKeys::new(&url)).transpose();
    let jwks = jwks.map_err(|rule| Misconfigured::new(JWKS, rule))?.map(Jwks::new);
    let Some(keys) = Keys::new(secret, jwks) else {
        let missing = format_args!("is missing: set it with `wrangler secret put`, or set {JWKS}");
        return Err(Misconfigured::new(SECRET, missing));
    };
    let policy = Policy {
        issuer: bindings.text("RETICLE_JWT_ISSUER")?,
        audience: bindings.text("RETICLE_JWT_AUDIENCE")?,
    };
    Ok(Authenticator::new(keys, policy, WorkerClock))
}

/// The key of page and resume tokens. It is derived from `RETICLE_URL_KEY`, or from `RETICLE_JWT_SECRET` in a Worker that signs
/// no URLs and has no such key.
///
/// # Errors
/// If both are missing, or the value is too short.
pub fn token_key(bindings: Bindings<'_>) -> Result<TokenKey, Misconfigured> {
    if let Some(key) = bindings.text(URL_KEY)? {
        let key = SigningKey::new(key.as_bytes()).map_err(|short| Misconfigured::new(URL_KEY, short))?;
        return Ok(key.token_key());
    }
    let Some(secret) = bindings.text(SECRET)? else {
        let missing = format_args!("is missing: set it with `wrangler secret put`, or set {SECRET}");
        return Err(Misconfigured::new(URL_KEY, missing));
    };
    let secret = Secret::new(secret.as_bytes()).map_err(|short| Misconfigured::new(SECRET, short))?;
    Ok(secret.token_key())
}
