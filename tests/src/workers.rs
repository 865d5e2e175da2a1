//! `cargo xtask dev-worker`: the gateway and the services as Workers, on D1 and R2 as Cloudflare simulates them.

use tempfile::TempDir;

use crate::{Target, task::Task, token::SECRET};

/// What the command says, ahead of the address, once everything is ready.
const READY: &str = "Reticle is ready, as three Workers: http://";

/// The running Workers; told to end when dropped.
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
    /// Starts them on a new folder and waits until they are ready; `variables` are the Workers' own.
    ///
    /// # Errors
    /// They did not start; the error has what was printed.
    pub async fn start(variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        Self::start_with(&[], variables).await
    }

    /// Starts them with other Workers beside, by their folders in `tests/worker`; the first stands in front.
    ///
    /// # Errors
    /// They did not start; the error has what was printed.
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

    /// The process that all their processes descend from.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.task.id()
    }
}
