//! `cargo xtask dev-worker`: the gateway and the services as Workers, on D1 and R2 as Cloudflare simulates them.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::{Target, token::SECRET};

/// How long a start may take, when the Workers must be built for it.
const START_TIMEOUT: Duration = Duration::from_secs(900);

/// What the command says, ahead of the URL, once everything is ready.
const READY: &str = "Reticle is ready, as three Workers: http://";

/// The running Workers; told to end when dropped.
pub struct Workers {
    process: Child,
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
        let mut command = Command::new(env!("CARGO"));
        command.args(["xtask", "dev-worker", "--port", "0", "--state"]).arg(state.path());
        for other in others {
            command.args(["--with", &format!("tests/worker/{other}")]);
        }
        command.env("RETICLE_JWT_SECRET", SECRET).envs(variables.iter().copied());
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().context("cannot start cargo xtask dev-worker")?;
        let output = process.stdout.take().context("it has no output")?;
        let ready = tokio::task::spawn_blocking(|| ready(output)).await?;
        let started = ready.and_then(|address| Target::behind(address.parse()?));
        match started {
            Ok(target) => Ok(Self { process, target, _state: state }),
            Err(error) => {
                end(&mut process);
                Err(error)
            }
        }
    }
}

/// Where the gateway is, once it is ready. The output is read on for ever, so that its writer never waits.
fn ready(output: ChildStdout) -> anyhow::Result<String> {
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody listens any more once it is ready.
            let _ = sender.send(line);
        }
    });
    let mut seen = String::new();
    while let Ok(line) = lines.recv_timeout(START_TIMEOUT) {
        if let Some(address) = line.strip_prefix(READY) {
            return Ok(address.trim().replace("localhost", "127.0.0.1"));
        }
        seen = seen + &line + "\n";
    }
    bail!("the Workers do not get ready:\n{seen}")
}

/// SIGTERM, which ends the runtime too; by the command, for the call itself is unsafe in Rust.
fn end(process: &mut Child) {
    let told = Command::new("kill").arg(process.id().to_string()).status();
    if !told.is_ok_and(|status| status.success()) {
        let _ = process.kill();
    }
    let _ = process.wait();
}

impl Drop for Workers {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}
