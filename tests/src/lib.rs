//! Black-box tests: Reticle as its callers meet it, through real ports.
//!
//! A case is written once, against a [`Target`], in [`cases`], and every shape runs it: a shape is a file in `tests/`
//! that starts its processes and hands their addresses on. What belongs to one shape alone (killing its process, filling
//! its disk) is an ordinary test beside it. Cases share a target and run at the same time, so each is its own user.

#![expect(clippy::disallowed_methods, reason = "tests read the clock and start tasks")]
#![expect(clippy::indexing_slicing, reason = "an answer that lacks a field fails its test")]

mod bridge;
pub mod cases;
mod client;
mod deployment;
pub mod grpc;
mod nginx;
mod parts;
mod picture;
mod process;
mod program;
mod proxy;
mod seaweed;
mod shape;
mod target;
mod task;
pub mod token;
mod tools;
mod workers;
mod wrangler;

pub use bridge::{BRIDGE_SECRET, Bridge};
pub use client::{Answer, User};
pub use deployment::{Deployment, Running, Worker};
pub use nginx::Nginx;
pub use parts::Parts;
pub use picture::Picture;
pub use process::{Process, program};
pub use program::Program;
pub use proxy::Proxy;
pub use seaweed::{S3_CREDENTIALS, SeaweedFs};
pub use shape::run_cases;
pub use target::{ALLOWED_ORIGIN, Protocol, Target};
pub use tools::{faketime, foreign_programs, output};
pub use workers::Workers;
pub use wrangler::Wrangler;
