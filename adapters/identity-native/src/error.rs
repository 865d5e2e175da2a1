//! Errors of reading keys and secrets.

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
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file was not read within [`FETCH_TIMEOUT`], for example because its network file system does not respond.
    #[error("{} was not read within {} seconds", .0.display(), FETCH_TIMEOUT.as_secs())]
    FileTimeout(PathBuf),
    /// The connection could not be opened, or it broke.
    #[error("the request failed")]
    Request(#[source] BoxError),
    /// The status is not 200. Redirects are not followed, because keys must come from the configured URL.
    #[error("the response status was {0}, expected 200")]
    Status(StatusCode),
    /// The document has more than [`MAX_DOCUMENT_BYTES`].
    #[error("the document is larger than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge,
    /// There was no complete response within [`FETCH_TIMEOUT`].
    #[error("there was no complete response within {} seconds", FETCH_TIMEOUT.as_secs())]
    Timeout,
}

/// Why a setting names no source of keys.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKeySource {
    /// The setting is empty.
    #[error("must be a path or an http(s) URL, but is empty")]
    Empty,
    /// A URL with another scheme than http or https.
    #[error("must be a path or an http(s) URL, not `{0}`")]
    Scheme(String),
    /// Not a valid URL.
    #[error("is not a valid URL")]
    Url(#[from] InvalidUri),
    /// TLS cannot be set up.
    #[error("needs TLS, which cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// Why a secret cannot be loaded from its file.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file exists, but cannot be read.
    #[error("the secret in {} cannot be read", .path.display())]
    Read {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file does not exist and cannot be created.
    #[error("cannot write a new secret to {}", .path.display())]
    Write {
        /// The path of the file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file has too few bytes for a secret.
    #[error("the secret in {} {source}", .path.display())]
    TooShort {
        /// The path of the file.
        path: PathBuf,
        /// The minimum length.
        source: TooShort,
    },
}
