//! Black-box tests of `identity`: tokens and keys that another library made.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;
mod jwks;
mod layer;
mod pair;
mod scopes;
mod strict;
mod tokens;
