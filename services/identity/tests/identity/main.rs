//! The whole of `identity` from outside: tokens as others make them, keys as others publish them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fixture;
mod jwks;
mod layer;
mod tokens;
