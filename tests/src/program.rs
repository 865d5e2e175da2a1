//! Runs `reticle serve`: all parts in one process.

use std::{path::Path, process::ExitStatus, sync::Arc};

use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    Target,
    process::{Process, program},
    token::SECRET,
};

/// A running `reticle serve` with its own data folder; killed when dropped.
pub struct Program {
    process: Process,
    data_dir: Arc<TempDir>,
    target: Target,
}

impl AsRef<Target> for Program {
    fn as_ref(&self) -> &Target {
        &self.target
    }
}

impl Program {
    /// Starts `reticle serve` with these `arguments` on a new folder, and waits until it listens.
    ///
    /// # Errors
    /// It did not start; the error has its output.
    pub async fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start_on(Arc::new(tempfile::tempdir()?), arguments).await
    }

    /// Starts `reticle serve` on this folder, and waits until it listens.
    ///
    /// # Errors
    /// It did not start; the error has its output.
    pub async fn start_on(data_dir: Arc<TempDir>, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(program());
        command.args(Self::arguments(data_dir.path())).args(arguments);
        Self::start_by(command, data_dir).await
    }

    /// Starts it by a command that ends in [`Self::arguments`], and waits until it listens.
    ///
    /// # Errors
    /// It did not start; the error has its output.
    pub async fn start_by(command: Command, data_dir: Arc<TempDir>) -> anyhow::Result<Self> {
        let process = Process::start_by(command, &["gateway", "images", "annotations"]).await?;
        let address = |port| process.address(port);
        let target = Target::new(address("gateway")?, address("images")?, address("annotations")?)?;
        Ok(Self { process, data_dir, target })
    }

    /// The arguments of a `reticle serve` for tests, with its data in `folder`.
    #[must_use]
    pub fn arguments(folder: &Path) -> Vec<String> {
        let folder = folder.to_string_lossy();
        let ports = ["--listen", "--images-listen", "--annotations-listen"].map(|port| [port, "127.0.0.1:0"]);
        let rest = ["serve", "--jwt-secret", SECRET, "--data-dir", &folder];
        rest.into_iter().chain(ports.into_iter().flatten()).map(str::to_owned).collect()
    }

    /// The addresses of its ports.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The process id.
    ///
    /// # Errors
    /// The process has stopped.
    pub fn id(&self) -> anyhow::Result<u32> {
        self.process.id()
    }

    /// Closes its log: every later write of the program to it fails.
    pub async fn close_log(&mut self) {
        self.process.close_log().await;
    }

    /// Its data folder.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        self.data_dir.path()
    }

    /// Kills it (SIGKILL), and returns its data folder.
    ///
    /// # Errors
    /// It could not be killed.
    pub async fn kill(mut self) -> anyhow::Result<Arc<TempDir>> {
        self.process.kill().await?;
        Ok(self.data_dir)
    }

    /// Waits until it stops.
    ///
    /// # Errors
    /// Waiting failed.
    pub async fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        self.process.wait().await
    }
}
