//! The keys that tokens are verified with, and where they come from.

use std::{error::Error as StdError, future::Future, net::IpAddr, pin::Pin};

use bytes::Bytes;
use http::Uri;
use storage::Instant;

use crate::{
    Jwks, Policy, Refused, Secret,
    verifying_key::{Algorithm, VerifyingKey},
};

/// Any error, with its cause kept for the log.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Where a JWKS (RFC 7517 section 5) is read from: a file, a URL, a binding.
pub trait KeySource: Send + Sync + 'static {
    /// Reads the document as it is now. It gives up on its own after a few seconds and never returns more than a
    /// megabyte or so; calls may overlap.
    fn fetch(&self) -> impl Future<Output = Result<Bytes, BoxError>> + Send;
}

/// Logs a warning if keys are read from `url` by plain HTTP: whoever is on the way can replace them, and then sign any token.
/// A host calls it for the URL of a [`KeySource`].
pub fn warn_of_plain_http(url: &Uri) {
    if is_exposed(url) {
        tracing::warn!(%url, "the JWKS is read by plain HTTP: use https, or anybody on the way can replace its keys");
    }
}

fn is_exposed(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    url.scheme_str() == Some("http") && !is_loopback
}

/// [`KeySource`] without its type.
pub(crate) trait AnyKeySource: Send + Sync {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Bytes, BoxError>> + Send + '_>>;
}

impl<S: KeySource> AnyKeySource for S {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Bytes, BoxError>> + Send + '_>> {
        Box::pin(KeySource::fetch(self))
    }
}

/// There is no key to verify tokens with.
#[derive(Debug, thiserror::Error)]
pub enum KeysUnavailable {
    /// The source did not answer.
    #[error("the JWKS could not be read")]
    Fetch(#[source] BoxError),
    /// What it answered is not JSON of the form `{"keys":[…]}`.
    #[error("the JWKS is not a JSON Web Key Set")]
    Malformed(#[source] serde_json::Error),
    /// It has no key for RS256, ES256 or EdDSA signatures.
    #[error("the JWKS has no key for RS256, ES256 or EdDSA signatures")]
    Empty,
}

/// The keys that tokens are verified with. They alone say which algorithms are accepted.
#[derive(Debug)]
pub enum Keys {
    /// HS256 with this secret.
    Secret(Secret),
    /// RS256, ES256 and EdDSA with these public keys.
    Jwks(Jwks),
    /// Either.
    SecretAndJwks(Secret, Jwks),
}

impl Keys {
    const fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Secret(secret) | Self::SecretAndJwks(secret, _) => Some(secret),
            Self::Jwks(_) => None,
        }
    }

    pub(crate) const fn jwks(&self) -> Option<&Jwks> {
        match self {
            Self::Jwks(jwks) | Self::SecretAndJwks(_, jwks) => Some(jwks),
            Self::Secret(_) => None,
        }
    }

    /// What an operator should know of accepting tokens by these keys and that policy.
    pub(crate) const fn warning(&self, policy: &Policy) -> Option<&'static str> {
        match (self.jwks(), &policy.issuer, &policy.audience) {
            (None, ..) | (Some(_), Some(_), Some(_)) => None,
            (Some(_), None, None) => Some(
                "a JWKS without issuer and audience accepts the tokens of every application that its provider has",
            ),
            (Some(_), Some(_), None) => Some(
                "a JWKS without audience accepts the tokens that its provider makes for other applications",
            ),
            (Some(_), None, Some(_)) => {
                Some("a JWKS without issuer accepts the tokens of every tenant of its provider")
            }
        }
    }

    /// Counts the changes of the keys, after reading them again if they are too old.
    pub(crate) async fn generation(&self, now: Instant) -> u64 {
        match self.jwks() {
            Some(jwks) => jwks.generation(now).await,
            None => 0,
        }
    }

    /// The key for a token whose header names `algorithm` and `kid`.
    pub(crate) async fn find(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        now: Instant,
    ) -> Result<VerifyingKey, Refused> {
        match algorithm {
            Algorithm::Hs256 => self.secret().map(Secret::key).ok_or(Refused::Algorithm),
            Algorithm::Rs256 | Algorithm::Es256 | Algorithm::EdDsa => {
                self.jwks().ok_or(Refused::Algorithm)?.find(algorithm, kid, now).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    impl KeySource for Nowhere {
        async fn fetch(&self) -> Result<Bytes, BoxError> {
            Err("there are none".into())
        }
    }

    #[test]
    fn keys_that_cross_a_network_in_the_clear_are_exposed() {
        for url in ["http://id.example/jwks", "http://10.0.0.1/jwks", "http://localhost.example/jwks"] {
            assert!(is_exposed(&url.parse().unwrap()), "{url}");
        }
        for url in [
            "https://id.example/jwks",
            "http://localhost:1/jwks",
            "http://127.0.0.1/jwks",
            "http://[::1]:1/jwks",
        ] {
            assert!(!is_exposed(&url.parse().unwrap()), "{url}");
        }
    }

    #[test]
    fn public_keys_need_an_issuer_and_an_audience() {
        let policy = |issuer: bool, audience: bool| Policy {
            issuer: issuer.then(|| "https://id.example".to_owned()),
            audience: audience.then(|| "reticle".to_owned()),
        };
        let jwks = Keys::Jwks(Jwks::new(Nowhere));
        for (issuer, audience, word) in
            [(false, false, "issuer and audience"), (true, false, "audience"), (false, true, "issuer")]
        {
            assert!(jwks.warning(&policy(issuer, audience)).unwrap().contains(word), "{issuer} {audience}");
        }
        assert_eq!(jwks.warning(&policy(true, true)), None);
        let secret = Keys::Secret(Secret::new(&[1; 32]).unwrap());
        assert_eq!(secret.warning(&policy(false, false)), None);
    }
}
