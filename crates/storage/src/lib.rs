//! The ports of Reticle's services for data: a [`Database`] and an [`ObjectStore`]. This crate has no adapters; those are in
//! `storage-native` and `storage-worker`. The ports for time and randomness are in `runtime`.
//!
//! - `database`, `session`: SQL statements, and one request's consistent view of the database ([`Session`]).
//! - `object_store`, `body`: whole objects by key, and checks of their bodies.
//! - `error`, `retry`: the classes of failures, and the loop that retries a call.
//! - [`contract`]: the tests that every adapter must pass.
//!
//! To add an adapter, implement a port in the crate of its platform and run every function of [`contract`] on it. To add
//! a method to a port, first write the contract function that states its behavior.
//!
//! Ports return `impl Future + Send`, because tonic's server traits do. An adapter over bindings that are not `Send`
//! wraps its own futures.

mod body;
pub mod contract;
mod database;
mod error;
mod object_store;
mod retry;
mod session;

pub use body::{checked, require_length};
pub use database::{Bookmark, Bookmarked, Database, FromValue, Outcome, Row, Statement, Value, only_reads};
pub use error::{Constraint, Error, PlainCause, Result};
pub use object_store::{
    ByteRange, ByteStream, Object, ObjectInfo, ObjectKey, ObjectList, ObjectStore, PutOptions, SignedRequest,
};
pub use retry::{Retry, retry};
pub use session::{BOOKMARK_HEADER, Session};
