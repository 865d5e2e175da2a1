//! Builds crates into Workers: the result is `build/` in the folder of each crate.

use super::{Worker, tools::Tools};
use crate::step::{run, target};

/// The cargo profile. It optimizes for size: the runtime loads a Worker often, and the Worker computes little.
const PROFILE: &str = "worker";

/// Builds each of `workers`.
pub(super) fn build(tools: &Tools, workers: &[Worker]) -> anyhow::Result<()> {
    for worker in workers {
        let mut build = tools.worker_build();
        build.args(["--profile", PROFILE, "--no-opt"]).current_dir(worker.folder());
        build.env("CARGO_TARGET_DIR", target());
        run(&format!("build {}", worker.0), build)?;
    }
    Ok(())
}
