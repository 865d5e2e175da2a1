//! Runs Workers in wrangler's runtime on this machine, until Ctrl-C or SIGTERM.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Child,
    signal::unix::{SignalKind, signal},
};

use super::{DATABASE, Worker, tools::Tools};

/// How long the runtime may take to stop after SIGTERM.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// What wrangler prints before the URL, once all Workers accept requests.
const READY: &str = "Ready on ";

/// The command that applies the migrations to the local database of `worker` in the folder `state`.
pub(super) fn migrate(tools: &Tools, worker: Worker, state: &Path) -> anyhow::Result<Command> {
    let mut migrate = tools.wrangler(&["d1", "migrations", "apply", DATABASE, "--local", "--config"])?;
    migrate.arg(worker.configuration()).arg("--persist-to").arg(state);
    // Do not ask for confirmation.
    migrate.env("CI", "1").stdin(Stdio::null());
    Ok(migrate)
}

/// The command that serves the Workers of these `configurations` in one runtime. The first Worker listens on the port.
pub(super) fn wrangler(
    tools: &Tools,
    configurations: &[PathBuf],
    port: u16,
    state: &Path,
) -> anyhow::Result<Command> {
    let mut dev =
        tools.wrangler(&["dev", "--ip", "127.0.0.1", "--inspector-port", "0", "--test-scheduled"])?;
    for configuration in configurations {
        dev.arg("--config").arg(configuration);
    }
    dev.arg("--port").arg(port.to_string()).arg("--persist-to").arg(state);
    dev.env("CI", "1").stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(dev)
}

/// Runs `wrangler` until Ctrl-C or SIGTERM. Once it is ready, prints the text that `greeting` returns for its URL.
pub(super) fn serve(wrangler: Command, greeting: impl Fn(&str) -> String) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run_until_signal(wrangler, greeting))
}

/// Runs `command` and its child processes as one process group, so that they can be stopped together.
async fn run_until_signal(command: Command, greeting: impl Fn(&str) -> String) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut command = tokio::process::Command::from(command);
    let mut runtime = command.process_group(0).spawn().context("cannot start wrangler")?;
    let group = runtime.id().context("wrangler has no process id")?;
    let ended = tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        status = forward_log(&mut runtime, greeting) => status.and_then(|status| bail!("wrangler stopped ({status})")),
    };
    stop(runtime, group).await?;
    ended
}

/// Prints the log until it ends, and the greeting once the log has the URL.
async fn forward_log(runtime: &mut Child, greeting: impl Fn(&str) -> String) -> anyhow::Result<ExitStatus> {
    let mut log = BufReader::new(runtime.stdout.take().context("wrangler has no output")?).lines();
    while let Some(line) = log.next_line().await? {
        // A closed standard output must not stop the Workers.
        let _ = writeln!(io::stdout(), "{line}");
        match line.split_once(READY) {
            Some((_, url)) if url.starts_with("http") => {
                let _ = writeln!(io::stdout(), "\n{}\n\nCtrl-C stops it.\n", greeting(url.trim()));
            }
            _ => {}
        }
    }
    Ok(runtime.wait().await?)
}

/// Sends SIGTERM to the whole group, and SIGKILL after [`GRACE_PERIOD`].
async fn stop(mut runtime: Child, group: u32) -> anyhow::Result<()> {
    signal_group("-TERM", group).await?;
    let ended = tokio::time::timeout(GRACE_PERIOD, runtime.wait()).await;
    // Child processes of wrangler may outlive it.
    signal_group("-KILL", group).await?;
    if ended.is_err() {
        runtime.wait().await?;
    }
    Ok(())
}

/// Uses the command `kill`, since the system call is unsafe in Rust. A group without processes is no error.
async fn signal_group(signal: &str, group: u32) -> anyhow::Result<()> {
    let mut kill = tokio::process::Command::new("kill");
    kill.args([signal, "--", &format!("-{group}")]).stderr(Stdio::null());
    kill.status().await.context("kill")?;
    Ok(())
}
