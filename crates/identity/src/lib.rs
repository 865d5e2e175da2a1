//! Authentication and authorization: bearer tokens (RFC 6750) that are JWTs (RFC 7519), the scopes in them, and the
//! tower layer that turns a token into a [`Caller`].
//!
//! A host builds an [`Authenticator`] from [`Keys`], a [`Policy`] and a clock, and puts an [`AuthLayer`] in front of
//! its services. A handler calls [`caller`] to get the caller of a request. Every service verifies the token itself: no
//! other part of a request identifies its caller. The crate `jsonwebtoken` decodes, verifies and makes the tokens; keys,
//! cryptography and clock are this crate's (`docs/decisions/tokens.md`).
//!
//! | part | task |
//! |---|---|
//! | [`Authenticator`], [`AuthLayer`] | verify the token of a request |
//! | [`Keys`], [`Jwks`], [`KeySource`] | the keys that verify tokens, and where they are read from |
//! | [`Caller`], [`Scope`], [`Scopes`] | the user of a request and the permissions of its token |
//! | [`TokenRejection`], [`Denied`] | why a token or a request is rejected; `error.rs` turns both into a `Status` |
//! | [`mint`] | makes tokens for trying out the program and for tests |
//! | [`UrlSigner`], [`SharedSecret`] | signed URLs; a secret that two programs share |
//!
//! To extend it: a new scope is a variant of [`Scope`]; a new source of keys is a [`KeySource`] in a host's crate; a new
//! algorithm is a variant of `VerifyingKey` and an arm in `jwk.rs` and in `keys.rs`; a new reason to reject a token is
//! a variant of [`TokenRejection`], and the compiler then asks for its status in `error.rs`.

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
mod provider;
mod scope;
mod secret;
mod shared_secret;
mod token;
mod url_signer;
mod verifying_key;

pub use authenticator::Authenticator;
pub use caller::{Caller, Denied, InvalidUserId, UserId, caller, caller_with_any};
pub use claims::{LEEWAY_SECONDS, Policy};
pub use error::{TokenRejection, token_expired};
pub use jwks::{Jwks, MAX_AGE_SECONDS, MAX_FETCHES, MAX_OUTAGE_SECONDS, REFRESH_INTERVAL_SECONDS};
pub use keys::{BoxError, KeySource, Keys, KeysUnavailable, warn_if_plain_http};
pub use layer::{AuthLayer, AuthService};
pub use mint::{Grant, mint};
pub use scope::{Scope, Scopes};
pub use secret::{MIN_SECRET_BYTES, Secret, TooShort};
pub use shared_secret::SharedSecret;
pub use token::MAX_TOKEN_BYTES;
pub use url_signer::{SigningKey, UrlSigner};
