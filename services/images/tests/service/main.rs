//! Tests of the service through a client in the same process, with a real SQLite file and a real folder. Only failures are
//! simulated.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod change;
mod cleanup;
mod direct;
mod download;
mod faults;
mod read;
mod scan;
mod signed_url;
mod store_id;
mod upload;
mod world;
