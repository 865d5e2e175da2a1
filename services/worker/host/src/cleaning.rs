//! The daily clean-up of a service, at the hour of a cron trigger.

use std::{error::Error, fmt::Display};

use crate::Misconfigured;

/// Does `work` with `parts`, and logs what became of it.
pub async fn clean_up<P, R: Display, E: Error + 'static>(
    parts: Result<P, Misconfigured>,
    work: impl AsyncFnOnce(P) -> Result<R, E>,
) {
    let parts = match parts {
        Ok(parts) => parts,
        Err(problem) => return tracing::error!("this Worker is not set up: {problem}"),
    };
    match work(parts).await {
        Ok(report) => tracing::info!("clean-up: {report}"),
        Err(error) => tracing::error!(error = &error as &dyn Error, "the clean-up failed"),
    }
}
