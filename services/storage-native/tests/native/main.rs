//! The adapters on the real thing: real SQLite files, real folders, real processes that die.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on stops")]

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
