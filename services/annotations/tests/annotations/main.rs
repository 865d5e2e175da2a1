//! Tests of the service through its client, in one process, on a SQLite file.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bulk;
mod create;
mod delete;
mod fixture;
mod get;
mod images;
mod ingest;
mod list;
mod permissions;
mod streams;
mod update;
mod visibility;
mod watch;
