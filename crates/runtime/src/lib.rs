//! What Reticle's code needs from the machine under it, as arguments: a [`Clock`], a [`Timer`], [`Entropy`] and [`Background`]
//! work. Each host supplies its own, and tests can set them. This crate has no implementation that reads a real clock: those
//! are in `storage-native` and `storage-worker`.
//!
//! - `clock`, `timer`, `entropy`, `background`: time, waiting, randomness, and work after the response.
//! - `id`: time-ordered ids, made from a time and randomness.
//! - `backoff`, `pauses`: how long to wait between attempts and between batches.
//! - `caller_share`, `quota`: the part of a shared limit that one caller may use, and what callers use of it.
//!
//! To add something here, ask whether code needs it that stores nothing. If only storage needs it, it belongs in `storage`.

mod background;
mod backoff;
mod caller_share;
mod clock;
mod entropy;
mod id;
mod pauses;
mod quota;
mod timer;

pub use background::{Background, Task};
pub use backoff::Backoff;
pub use caller_share::{CallerShare, InvalidShare};
pub use clock::{Clock, Instant, Timestamp};
pub use entropy::Entropy;
pub use id::{Id, InvalidId};
pub use pauses::Pauses;
pub use quota::{Exceeded, Quota, Use};
pub use timer::Timer;
