//! Builds crates into Workers: the result is `build/` in the folder of each crate.

use xtask::WorkerTools;

use super::Worker;
use crate::step::run;

/// Builds each of `workers`.
pub(super) fn build(tools: &WorkerTools, workers: &[Worker]) -> anyhow::Result<()> {
    for worker in workers {
        run(&format!("build {}", worker.0), tools.worker_build(&worker.folder()))?;
    }
    Ok(())
}
