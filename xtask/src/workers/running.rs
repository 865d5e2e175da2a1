//! Workers in wrangler's runtime on this machine, until Ctrl-C or SIGTERM.

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

/// How long the runtime may take to end once it was told to.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// What wrangler says, ahead of the URL, once all Workers can be called.
const READY: &str = "Ready on ";

/// The command that brings the local database in the folder `state`, which `worker` is bound to, up to date.
pub(super) fn migrate(tools: &Tools, worker: Worker, state: &Path) -> anyhow::Result<Command> {
    let mut migrate = tools.wrangler(&["d1", "migrations", "apply", DATABASE, "--local", "--config"])?;
    migrate.arg(worker.configuration()).arg("--persist-to").arg(state);
    // Nobody is asked whether they are sure.
    migrate.env("CI", "1").stdin(Stdio::null());
    Ok(migrate)
}

/// The command that serves the Workers of these `configurations` in one runtime; the first answers on the port.
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

/// Runs `wrangler` until this process is told to end, and prints what `greeting` makes of the URL once it is ready.
pub(super) fn serve(wrangler: Command, greeting: impl Fn(&str) -> String) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run_until_told(wrangler, greeting))
}

/// Runs `command` and everything that it starts as one process group, so that all of it ends together.
async fn run_until_told(command: Command, greeting: impl Fn(&str) -> String) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut command = tokio::process::Command::from(command);
    let mut runtime = command.process_group(0).spawn().context("cannot start wrangler")?;
    let group = runtime.id().context("wrangler has no process id")?;
    let ended = tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        status = follow(&mut runtime, greeting) => status.and_then(|status| bail!("wrangler ended by itself ({status})")),
    };
    stop(runtime, group).await?;
    ended
}

/// Passes the log on until it ends, and greets when it says that everything is ready.
async fn follow(runtime: &mut Child, greeting: impl Fn(&str) -> String) -> anyhow::Result<ExitStatus> {
    let mut log = BufReader::new(runtime.stdout.take().context("wrangler has no output")?).lines();
    while let Some(line) = log.next_line().await? {
        // It serves as well if nobody reads this.
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

/// Tells the whole group to end; what has not after a while is killed.
async fn stop(mut runtime: Child, group: u32) -> anyhow::Result<()> {
    signal_group("-TERM", group).await?;
    let ended = tokio::time::timeout(GRACE_PERIOD, runtime.wait()).await;
    // Children of the one that was started may outlive it.
    signal_group("-KILL", group).await?;
    if ended.is_err() {
        runtime.wait().await?;
    }
    Ok(())
}

/// By the command, for the call itself is unsafe in Rust. That nobody is left is no failure.
async fn signal_group(signal: &str, group: u32) -> anyhow::Result<()> {
    let mut kill = tokio::process::Command::new("kill");
    kill.args([signal, "--", &format!("-{group}")]).stderr(Stdio::null());
    kill.status().await.context("kill")?;
    Ok(())
}
