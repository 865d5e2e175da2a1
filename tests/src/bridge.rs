//! Runs `cargo xtask dev-bridge`: the bridge to a D1 database in Cloudflare's simulator.

use tempfile::TempDir;

use crate::task::Task;

/// The secret of a bridge under test.
pub const BRIDGE_SECRET: &str = "a-secret-of-the-bridge-under-test";

/// What the command prints before the URL, once it is ready.
const READY: &str = "The D1 bridge is ready: ";

/// A running bridge with a migrated database; stopped when dropped.
pub struct Bridge {
    _task: Task,
    url: String,
    _state: TempDir,
}

impl Bridge {
    /// Starts it on a new folder and waits until it is ready.
    ///
    /// # Errors
    /// It did not start; the error has what was printed.
    pub async fn start() -> anyhow::Result<Self> {
        let state = tempfile::tempdir()?;
        let folder = state.path().to_string_lossy();
        let arguments = ["dev-bridge", "--port", "0", "--state", &folder];
        let (task, url) = Task::start(&arguments, &[("RETICLE_BRIDGE_SECRET", BRIDGE_SECRET)], READY).await?;
        Ok(Self { _task: task, url, _state: state })
    }

    /// The bridge's URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL as the setting `--database-url` of `reticle`.
    #[must_use]
    pub fn database_url(&self) -> String {
        format!("d1+{}", self.url)
    }
}
