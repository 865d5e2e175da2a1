//! The keys that verify tokens, and the sources that they are read from.

use std::{error::Error as StdError, future::Future, net::IpAddr, pin::Pin};

use bytes::Bytes;
use http::Uri;
use jsonwebtoken::{Algorithm, DecodingKey};
use runtime::Clock;

use crate::{Jwks, Policy, Secret, TokenRejection};

/// Any error; its causes are kept for the log.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A source of a JWKS (RFC 7517 section 5): a file, a URL, a binding.
pub trait KeySource: Send + Sync + 'static {
    /// Reads the current document. An implementation has its own timeout of a few seconds and a size limit of about one
    /// megabyte. Calls may overlap.
    fn fetch(&self) -> impl Future<Output = Result<Bytes, BoxError>> + Send;
}

/// Logs a warning if keys are read from `url` over plain HTTP: an attacker on the network can replace them and then sign any
/// token. A host calls it for the URL of a [`KeySource`].
pub fn warn_if_plain_http(url: &Uri) {
    if is_exposed(url) {
        tracing::warn!(
            %url,
            "the JWKS is read over plain HTTP; use https, or an attacker on the network can replace its keys"
        );
    }
}

fn is_exposed(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    url.scheme_str() == Some("http") && !is_loopback
}

/// An object-safe [`KeySource`].
pub(crate) trait DynKeySource: Send + Sync {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Bytes, BoxError>> + Send + '_>>;
}

impl<S: KeySource> DynKeySource for S {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<Bytes, BoxError>> + Send + '_>> {
        Box::pin(KeySource::fetch(self))
    }
}

/// Why no key for verifying tokens could be read.
#[derive(Debug, thiserror::Error)]
pub enum KeysUnavailable {
    /// The source could not be read.
    #[error("cannot read the JWKS")]
    Fetch(#[source] BoxError),
    /// The document is not JSON of the form `{"keys":[…]}`.
    #[error("the JWKS is not a JSON Web Key Set")]
    Malformed(#[source] serde_json::Error),
    /// The document has no key for RS256, ES256 or EdDSA signatures.
    #[error("the JWKS has no key for RS256, ES256 or EdDSA signatures")]
    Empty,
}

/// The keys that verify tokens. They determine which algorithms are accepted.
#[derive(Debug)]
pub enum Keys {
    /// HS256 with this secret.
    Secret(Secret),
    /// RS256, ES256 and EdDSA with these public keys.
    Jwks(Jwks),
    /// Both of them.
    SecretAndJwks(Secret, Jwks),
}

impl Keys {
    /// The keys of a host's settings; `None` if it has neither.
    #[must_use]
    pub fn new(secret: Option<Secret>, jwks: Option<Jwks>) -> Option<Self> {
        match (secret, jwks) {
            (Some(secret), None) => Some(Self::Secret(secret)),
            (None, Some(jwks)) => Some(Self::Jwks(jwks)),
            (Some(secret), Some(jwks)) => Some(Self::SecretAndJwks(secret, jwks)),
            (None, None) => None,
        }
    }

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

    /// A warning for the operator if these keys and `policy` together accept more tokens than is safe.
    pub(crate) const fn warning(&self, policy: &Policy) -> Option<&'static str> {
        match (self.jwks(), &policy.issuer, &policy.audience) {
            (None, ..) | (Some(_), Some(_), Some(_)) => None,
            (Some(_), None, None) => Some(
                "a JWKS without issuer and audience accepts the tokens of every application of its provider",
            ),
            (Some(_), Some(_), None) => {
                Some("a JWKS without audience accepts tokens that its provider issued for other applications")
            }
            (Some(_), None, Some(_)) => {
                Some("a JWKS without issuer accepts the tokens of every tenant of its provider")
            }
        }
    }

    /// The number of changes of the keys so far. Reads them again first if they are too old.
    pub(crate) async fn generation(&self, clock: &impl Clock) -> u64 {
        match self.jwks() {
            Some(jwks) => jwks.generation(clock).await,
            None => 0,
        }
    }

    /// The key for a token whose header names `algorithm` and `kid`.
    pub(crate) async fn find(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        clock: &impl Clock,
    ) -> Result<DecodingKey, TokenRejection> {
        match algorithm {
            Algorithm::HS256 => self.secret().map(Secret::key).ok_or(TokenRejection::Algorithm),
            Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA => {
                self.jwks().ok_or(TokenRejection::Algorithm)?.find(algorithm, kid, clock).await
            }
            _ => Err(TokenRejection::Algorithm),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct EmptySource;

    impl KeySource for EmptySource {
        async fn fetch(&self) -> Result<Bytes, BoxError> {
            Err("no keys".into())
        }
    }

    #[test]
    fn keys_that_are_read_over_plain_http_from_another_host_are_exposed() {
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
    fn keys_are_a_secret_or_a_jwks_or_both() {
        let secret = || Some(Secret::new(&[1; 32]).unwrap());
        let jwks = || Some(Jwks::new(EmptySource));
        assert!(matches!(Keys::new(secret(), None), Some(Keys::Secret(_))));
        assert!(matches!(Keys::new(None, jwks()), Some(Keys::Jwks(_))));
        assert!(matches!(Keys::new(secret(), jwks()), Some(Keys::SecretAndJwks(..))));
        assert!(Keys::new(None, None).is_none());
    }

    #[test]
    fn public_keys_without_issuer_or_audience_cause_a_warning() {
        let policy = |issuer: bool, audience: bool| Policy {
            issuer: issuer.then(|| "https://id.example".to_owned()),
            audience: audience.then(|| "reticle".to_owned()),
        };
        let jwks = Keys::Jwks(Jwks::new(EmptySource));
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
