//! The ports of [`storage`] in a Cloudflare Worker: [`D1Database`] and [`R2Objects`] for data, and the runtime's clock,
//! randomness, timers, tasks and background work.
//!
//! To add an adapter over another binding, give it a module here, wait for its promises by `promise::settled`, translate
//! what it throws in one `failure.rs`, and run every function of [`storage::contract`] on it in `tests/worker/contract`.
//!
//! A Worker has one thread, and what the runtime hands out is not `Send`, which the ports must be. Who waits for the runtime
//! holds a number here and nothing of the runtime's (`callback.rs`); streams are wrapped. So no other crate needs to know.

mod background;
mod callback;
mod clock;
mod d1;
mod entropy;
mod promise;
mod r2;
mod tasks;
mod timer;

pub use background::WaitUntil;
pub use callback::Settled;
pub use clock::WorkerClock;
pub use d1::D1Database;
pub use entropy::WorkerEntropy;
pub use promise::promised;
pub use r2::R2Objects;
pub use tasks::start_tasks;
pub use timer::{WorkerTimer, sleep};
