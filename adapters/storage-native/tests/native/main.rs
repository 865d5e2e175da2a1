//! Tests of the adapters with real SQLite files, real folders, and real processes that are killed.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot continue panics")]

mod bridge_faults;
mod contracts;
mod fixture;
mod sqlite_crash;
mod sqlite_full;
mod sqlite_migrate;
mod sqlite_moved;
mod sqlite_reads;
mod sqlite_shared;
mod sqlite_writer;
