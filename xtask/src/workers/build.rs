//! From crates to Workers: `build/` in each one's folder.

use super::{Worker, tools::Tools};
use crate::step::{run, target};

/// Small before fast: a Worker is loaded more often than it computes.
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
