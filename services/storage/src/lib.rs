//! What Reticle's services ask of their host: a [`Database`], an [`ObjectStore`], a [`Clock`], a [`Timer`],
//! [`Entropy`] and a place for [`Background`] work. Ports only; the adapters live in `storage-native` and `storage-worker`.
//!
//! To add an adapter, implement a port in the crate of its platform and run every function of [`contract`] on it. To add
//! a method to a port, begin with the contract function that says what it promises.
//!
//! Ports return `impl Future + Send`, because tonic's server traits do; an adapter over bindings that are not `Send`
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
mod session;
mod timer;

pub use background::{Background, Task};
pub use backoff::Backoff;
pub use body::{blame_sender, exactly};
pub use caller_share::{CallerShare, InvalidShare};
pub use clock::{Clock, Instant, Timestamp};
pub use database::{Answer, Bookmark, Database, FromValue, Outcome, Row, Statement, Value, only_reads};
pub use entropy::Entropy;
pub use error::{Constraint, Error, PlainCause, Result};
pub use id::{Id, InvalidId};
pub use object_store::{
    ByteRange, ByteStream, Object, ObjectInfo, ObjectKey, ObjectList, ObjectStore, PutOptions, SignedRequest,
};
pub use session::{BOOKMARK_HEADER, Session};
pub use timer::Timer;
