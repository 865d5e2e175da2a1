//! Runs `cargo xtask dev-worker`: the gateway and the services as Workers, with Cloudflare's simulators of D1 and R2.

use tempfile::TempDir;

use crate::{Target, task::Task, token::SECRET};

/// What the command prints before the address, once all Workers are ready.
const READY: &str = "Reticle is ready, as three Workers: http://";

/// The running Workers; stopped when dropped.
pub struct Workers {
    task: Task,
    target: Target,
    _state: TempDir,
}

impl AsRef<Target> for Workers {
    fn as_ref(&self) -> &Target {
        &self.target
    }
}

impl Workers {
    /// Starts them on a new folder and waits until they are ready. The Workers get `variables`.
    ///
    /// # Errors
    /// They did not start; the error has the output.
    pub async fn start(variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::start_with(&[], variables).await
    }

    /// Also starts other Workers, given as folders in `tests/worker`. The first of them receives the requests.
    ///
    /// # Errors
    /// They did not start; the error has the output.
    pub async fn start_with(others: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        let state = tempfile::tempdir()?;
        let folder = state.path().to_string_lossy();
        let variables = [&[("RETICLE_JWT_SECRET", SECRET)], variables].concat();
        let others: Vec<_> = others.iter().map(|other| format!("--with=tests/worker/{other}")).collect();
        let mut arguments = vec!["dev-worker", "--port", "0", "--state", &folder];
        arguments.extend(others.iter().map(String::as_str));
        let (task, address) = Task::start(&arguments, &variables, READY).await?;
        let target = Target::behind(address.replace("localhost", "127.0.0.1").parse()?)?;
        Ok(Self { task, target, _state: state })
    }

    /// The id of the process that is the ancestor of all their processes.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.task.id()
    }
}
