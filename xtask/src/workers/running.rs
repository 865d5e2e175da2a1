//! Runs Workers in wrangler's runtime on this machine, until Ctrl-C or SIGTERM.

use std::{
    io::{self, Write as _},
    path::Path,
    process::{Command, ExitStatus, Stdio},
};

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Child,
    signal::unix::{SignalKind, signal},
};
use xtask::{ProcessGroup, READY, WorkerTools};

use super::{DATABASE, Worker};

/// The command that applies the migrations to the local database of `worker` in the folder `state`.
pub(super) fn migrate(tools: &WorkerTools, worker: Worker, state: &Path) -> anyhow::Result<Command> {
    let mut migrate = tools.wrangler(&["d1", "migrations", "apply", DATABASE, "--local", "--config"])?;
    migrate.arg(worker.configuration()).arg("--persist-to").arg(state);
    // Do not ask for confirmation.
    migrate.env("CI", "1").stdin(Stdio::null());
    Ok(migrate)
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
    let mut runtime = ProcessGroup::spawn(command.into()).context("wrangler")?;
    tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        status = forward_log(runtime.leader(), greeting) => {
            status.and_then(|status| bail!("wrangler stopped ({status})"))
        }
    }
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
