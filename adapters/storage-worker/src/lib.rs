//! The adapters of the ports of [`storage`] for Cloudflare Workers.
//!
//! - `d1`, `r2`: [`D1Database`] and [`R2Objects`] for data.
//! - `clock`, `entropy`, `timer`, `background`: the runtime's clocks, random bytes, timers and background work.
//! - `promise`, `callback`, `tasks`: how futures wait for the runtime, and how tasks run.
//!
//! To add an adapter for another binding, give it a module here, wait for its promises with `promise::wait_for_call`, map
//! what it throws in one `failure.rs`, and run every function of [`storage::contract`] on it in `tests/worker/contract`.
//!
//! A Worker has one thread, and the runtime's objects are not `Send`, but the futures of the ports must be. So a future that
//! waits for the runtime holds only a key (`callback.rs`), and streams are wrapped. Other crates need not know about this.

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
pub use promise::wait_for_promise;
pub use r2::R2Objects;
pub use tasks::start_tasks;
pub use timer::{WorkerTimer, sleep};
