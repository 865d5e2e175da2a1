//! The keys that tokens are verified with, and where they come from.

use std::{error::Error as StdError, future::Future, pin::Pin};

use bytes::Bytes;
use storage::Instant;

use crate::{
    Jwks, Refused, Secret,
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
