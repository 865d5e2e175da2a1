//! What [`identity`] needs of a server's world: a JWKS from a file or a URL, and a file for the secret that tokens are
//! signed with.
//!
//! To read keys from somewhere else, write another [`identity::KeySource`] beside [`FileKeys`] and [`UrlKeys`], and a
//! case for it in [`key_source`].

mod error;
mod file_keys;
mod join;
mod key_source;
mod secret_file;
mod url_keys;

pub use error::{FetchError, InvalidKeySource, SecretFileError};
pub use file_keys::FileKeys;
pub use key_source::{ConfiguredKeys, key_source};
pub use secret_file::{load_or_create_secret, load_or_create_signing_key};
pub use url_keys::{FETCH_TIMEOUT, UrlKeys};

/// The largest JWKS that is read: 1 MiB.
pub const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;
