//! `cargo xtask dev-worker`: all three Workers on this machine, with D1 and R2 as Cloudflare simulates them.

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

use super::{ALL, ANNOTATIONS, DATABASE, GATEWAY, IMAGES, build::build, secrets::Secrets, tools::Tools};
use crate::step::run;

/// How long the runtime may take to end once it was told to.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// What wrangler says, ahead of the URL, once all Workers can be called.
const READY: &str = "Ready on ";

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The gateway's port; 0 for any that is free.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The folder of the database, the pictures and the secrets.
    #[arg(long, default_value = "data/worker", value_name = "DIR")]
    state: PathBuf,
    /// The folder of another Worker to run beside them; the first answers on the port in the gateway's place.
    #[arg(long = "with", value_name = "DIR")]
    others: Vec<PathBuf>,
}

/// Installs what is missing, builds, migrates, and serves until Ctrl-C or SIGTERM.
pub(crate) fn serve(options: &Options) -> anyhow::Result<()> {
    let tools = Tools::install()?;
    build(&tools, &ALL)?;
    let state = std::path::absolute(&options.state)?;
    let secrets = Secrets::load(&state)?;
    run("migrations", migrate(&tools, &state)?)?;
    let wrangler = wrangler(&tools, options, &state, &secrets)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run_until_told(wrangler, &secrets.token()?))
}

fn migrate(tools: &Tools, state: &Path) -> anyhow::Result<Command> {
    let mut migrate = tools.wrangler(&["d1", "migrations", "apply", DATABASE, "--local", "--config"])?;
    migrate.arg(IMAGES.configuration()).arg("--persist-to").arg(state);
    // Nobody is asked whether they are sure.
    migrate.env("CI", "1").stdin(Stdio::null());
    Ok(migrate)
}

/// All of them in one runtime; the first is the one that answers on the port.
fn wrangler(tools: &Tools, options: &Options, state: &Path, secrets: &Secrets) -> anyhow::Result<Command> {
    let mut dev =
        tools.wrangler(&["dev", "--ip", "127.0.0.1", "--inspector-port", "0", "--test-scheduled"])?;
    for other in &options.others {
        dev.arg("--config").arg(std::path::absolute(other)?.join("wrangler.jsonc"));
    }
    for worker in [GATEWAY, IMAGES, ANNOTATIONS] {
        worker.refuse_dev_vars()?;
        dev.arg("--config").arg(worker.configuration());
    }
    dev.arg("--port").arg(options.port.to_string()).arg("--persist-to").arg(state);
    // The configurations name the secrets and variables; wrangler takes their values from its environment.
    dev.env("RETICLE_JWT_SECRET", &secrets.jwt_secret).env("RETICLE_URL_KEY", &secrets.url_key);
    dev.env("CI", "1").stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(dev)
}

/// Runs `command` and everything that it starts as one process group, so that all of it ends together.
async fn run_until_told(command: Command, token: &str) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut command = tokio::process::Command::from(command);
    let mut runtime = command.process_group(0).spawn().context("cannot start wrangler")?;
    let group = runtime.id().context("wrangler has no process id")?;
    let ended = tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        status = follow(&mut runtime, token) => status.and_then(|status| bail!("wrangler ended by itself ({status})")),
    };
    stop(runtime, group).await?;
    ended
}

/// Passes the log on until it ends, and greets when it says that everything is ready.
async fn follow(runtime: &mut Child, token: &str) -> anyhow::Result<ExitStatus> {
    let mut log = BufReader::new(runtime.stdout.take().context("wrangler has no output")?).lines();
    while let Some(line) = log.next_line().await? {
        // It serves as well if nobody reads this.
        let _ = writeln!(io::stdout(), "{line}");
        match line.split_once(READY) {
            Some((_, url)) if url.starts_with("http") => greet(url.trim(), token),
            _ => {}
        }
    }
    Ok(runtime.wait().await?)
}

fn greet(url: &str, token: &str) {
    let _ = writeln!(
        io::stdout(),
        "
Reticle is ready, as three Workers: {url}

  export TOKEN={token}
  curl -H \"authorization: Bearer $TOKEN\" -F image=@photo.jpg {url}/api/images/upload

Ctrl-C stops it.
"
    );
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
