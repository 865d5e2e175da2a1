//! What can go wrong with keys and secrets outside the program.

use std::{io, path::PathBuf};

use http::{StatusCode, uri::InvalidUri};
use identity::{BoxError, TooShort};

use crate::{FETCH_TIMEOUT, MAX_DOCUMENT_BYTES};

/// Why a JWKS could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The file could not be read.
    #[error("{} cannot be read", .path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// No connection, or it broke.
    #[error("the request failed")]
    Request(#[source] BoxError),
    /// Something else than 200; redirects are not followed, for a key must come from where the settings say.
    #[error("the answer was {0} instead of 200")]
    Status(StatusCode),
    /// There are more bytes than [`MAX_DOCUMENT_BYTES`].
    #[error("the document is larger than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge,
    /// There was no complete answer within [`FETCH_TIMEOUT`].
    #[error("there was no answer within {} seconds", FETCH_TIMEOUT.as_secs())]
    Timeout,
}

/// The text is neither a path nor a URL that keys can be read from.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKeySource {
    /// There is no text.
    #[error("must be a path or an http(s) URL, but is empty")]
    Empty,
    /// A URL of another kind.
    #[error("must be a path or an http(s) URL, not `{0}`")]
    Scheme(String),
    /// Not a URL at all.
    #[error("is not a valid URL")]
    Url(#[from] InvalidUri),
    /// TLS cannot be set up.
    #[error("needs TLS, which cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// Why there is no secret in a file.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file is there, but cannot be read.
    #[error("the secret in {} cannot be read", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not there and cannot be made.
    #[error("no secret can be written to {}", .path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file has something else in it.
    #[error("the secret in {} {source}", .path.display())]
    TooShort {
        /// Which file.
        path: PathBuf,
        /// The rule.
        source: TooShort,
    },
}
