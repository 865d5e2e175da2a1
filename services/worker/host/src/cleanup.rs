//! The daily clean-up of a service, started by a cron trigger.

use std::{error::Error, fmt::Display};

use crate::Misconfigured;

/// Runs `work` with `parts`, and logs the result.
pub async fn run_cleanup<P, R: Display, E: Error + 'static>(
    parts: Result<P, Misconfigured>,
    work: impl AsyncFnOnce(P) -> Result<R, E>,
) {
    let parts = match parts {
        Ok(parts) => parts,
        Err(problem) => return tracing::error!("this Worker is not configured: {problem}"),
    };
    match work(parts).await {
        Ok(report) => tracing::info!("clean-up: {report}"),
        Err(error) => tracing::error!(error = &error as &dyn Error, "the clean-up failed"),
    }
}
