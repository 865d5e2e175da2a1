//! Adapters of [`identity`] for native servers: a JWKS from a file ([`FileKeys`]) or a URL ([`UrlKeys`]), and a file for the
//! secret that signs tokens ([`load_or_create_secret`]).
//!
//! To read keys from another kind of place, add an [`identity::KeySource`] beside [`FileKeys`] and [`UrlKeys`], and a
//! variant for it in [`ConfiguredKeys`] and [`parse_key_source`].

mod error;
mod file_keys;
mod key_source;
mod secret_file;
mod single_flight;
mod url_keys;

pub use error::{FetchError, InvalidKeySource, SecretFileError};
pub use file_keys::FileKeys;
pub use key_source::{ConfiguredKeys, parse_key_source};
pub use secret_file::{load_or_create_secret, load_or_create_signing_key};
pub use url_keys::{FETCH_TIMEOUT, UrlKeys};

/// The maximum size of a JWKS: 1 MiB.
pub const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;
