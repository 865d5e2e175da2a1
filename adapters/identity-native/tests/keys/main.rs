//! Tests with keys from real files and from a real HTTP server.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authenticator;
mod fetch;
mod pair;
mod server;
