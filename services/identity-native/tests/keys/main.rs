//! Keys from real files and from a real HTTP server, as an authenticator sees them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod authenticator;
mod fetch;
mod pair;
mod server;
