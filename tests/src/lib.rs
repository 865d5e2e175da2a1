//! Black-box tests: they use Reticle as its callers do, through real ports.
//!
//! A *shape* is a way to deploy Reticle, for example as one process or as three Workers. A *case* is a test that runs on every
//! shape: an async function in [`cases`] that gets a [`Target`], the addresses of a running shape. Each shape is a file in
//! `tests/` that starts its processes and calls [`run_cases`]. Tests that concern one shape only (killing its process,
//! filling its disk) are ordinary tests in `tests/`.
//!
//! To add a case: write the function in a file of [`cases`], and add its name to the list there. Cases share a target and run
//! concurrently, so each case creates its own user with [`Target::new_user`].

#![expect(clippy::disallowed_methods, reason = "tests read the clock and start tasks")]
#![expect(clippy::indexing_slicing, reason = "a response that lacks a field fails its test")]

mod bridge;
pub mod cases;
mod client;
mod deployment;
pub mod fixtures;
pub mod grpc;
mod image_file;
mod nginx;
mod parts;
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
pub use client::{HttpResponse, User};
pub use deployment::{Deployment, Running, Worker};
pub use image_file::ImageFile;
pub use nginx::Nginx;
pub use parts::Parts;
pub use process::{Process, program};
pub use program::Program;
pub use proxy::Proxy;
pub use seaweed::{S3_CREDENTIALS, SeaweedFs};
pub use shape::run_cases;
pub use target::{ALLOWED_ORIGIN, Protocol, Target};
pub use tools::{faketime, output, third_party_tools};
pub use workers::Workers;
pub use wrangler::Wrangler;
