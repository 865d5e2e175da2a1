//! Who calls, and what they may do: bearer tokens (RFC 6750) that are JWTs (RFC 7519), the scopes in them, and the
//! tower layer that turns one into a [`Caller`].
//!
//! A host builds an [`Authenticator`] from [`Keys`], a [`Policy`] and a clock, and puts an [`AuthLayer`] in front of
//! its services. A handler asks [`caller`] for whoever sent the request. Every service checks for itself: nothing in a
//! request but its token says who sent it.
//!
//! To extend it: a new scope is a variant of [`Scope`]; a new place to get keys from is a [`KeySource`] in a host's
//! crate; a new algorithm is a variant of `VerifyingKey`, and an arm in `jwk.rs` that reads its keys; a new reason to
//! refuse a token is a variant of [`Refused`], and the compiler leads to its answer in `error.rs`.

mod authenticator;
mod cache;
mod caller;
mod claims;
mod error;
mod json;
mod jwk;
mod jwks;
mod keys;
mod layer;
mod mint;
mod scope;
mod secret;
mod shared_secret;
mod token;
mod url_signer;
mod verifying_key;

pub use authenticator::Authenticator;
pub use caller::{Caller, Denied, InvalidUserId, UserId, caller, caller_with_any};
pub use claims::{LEEWAY_SECONDS, Policy};
pub use error::{Refused, expired};
pub use jwks::{Jwks, LONGEST_OUTAGE_SECONDS, MAX_AGE_SECONDS, MAX_FETCHES, REFRESH_INTERVAL_SECONDS};
pub use keys::{BoxError, KeySource, Keys, KeysUnavailable, warn_of_plain_http};
pub use layer::{AuthLayer, AuthService};
pub use mint::{Grant, mint};
pub use scope::{Scope, Scopes};
pub use secret::{MIN_SECRET_BYTES, Secret, TooShort};
pub use shared_secret::SharedSecret;
pub use token::MAX_TOKEN_BYTES;
pub use url_signer::{SigningKey, UrlSigner};
