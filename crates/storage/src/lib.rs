//! The ports of Reticle's services: the traits through which they use their host. There is a [`Database`], an
//! [`ObjectStore`], a [`Clock`], a [`Timer`], [`Entropy`] and [`Background`] work. This crate has no adapters; those are in
//! `storage-native` and `storage-worker`.
//!
//! - `database`, `session`: SQL statements, and one request's consistent view of the database ([`Session`]).
//! - `object_store`, `body`: whole objects by key, and checks of their bodies.
//! - `clock`, `timer`, `entropy`, `id`, `background`: time, randomness, ids, and work after the response.
//! - `error`, `backoff`, `pauses`, `caller_share`: the classes of failures, pauses between retries and between batches, fair
//!   shares of a limit.
//! - [`contract`]: the tests that every adapter must pass.
//!
//! To add an adapter, implement a port in the crate of its platform and run every function of [`contract`] on it. To add
//! a method to a port, first write the contract function that states its behavior.
//!
//! Ports return `impl Future + Send`, because tonic's server traits do. An adapter over bindings that are not `Send`
//! wraps its own futures.

mod background;
mod backoff;
mod body;
mod caller_share;
mod clock;
pub mod contract;
mod database;
mod entropy;
mod error;
mod id;
mod object_store;
mod pauses;
mod session;
mod timer;

pub use background::{Background, Task};
pub use backoff::Backoff;
pub use body::{map_body_errors, require_size};
pub use caller_share::{CallerShare, InvalidShare};
pub use clock::{Clock, Instant, Timestamp};
pub use database::{Bookmark, Bookmarked, Database, FromValue, Outcome, Row, Statement, Value, only_reads};
pub use entropy::Entropy;
pub use error::{Constraint, Error, PlainCause, Result};
pub use id::{Id, InvalidId};
pub use object_store::{
    ByteRange, ByteStream, Object, ObjectInfo, ObjectKey, ObjectList, ObjectStore, PutOptions, SignedRequest,
};
pub use pauses::Pauses;
pub use session::{BOOKMARK_HEADER, Session};
pub use timer::Timer;
