//! What the commands of `cargo xtask` and the tests share: where things are, and how Workers are configured, run and stopped.

pub mod configuration;
mod folders;
mod process_group;
mod worker_tools;

pub use folders::{root, target};
pub use process_group::ProcessGroup;
pub use worker_tools::{READY, WorkerTools};
