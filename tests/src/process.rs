//! Runs one process of the program `reticle`.

use std::{
    collections::BTreeMap, net::SocketAddr, path::PathBuf, process::ExitStatus, process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
    task::JoinHandle,
};

/// The timeout of a start. The benchmarks check how fast a start should be.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A running process; killed when dropped.
pub struct Process {
    child: Child,
    addresses: BTreeMap<String, SocketAddr>,
    log: JoinHandle<()>,
}

/// The path of the program that cargo built.
#[must_use]
pub fn program() -> PathBuf {
    let mut path = std::env::current_exe().unwrap_or_default();
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    path.join("reticle")
}

impl Process {
    /// Starts the program and waits until each of `ports` (`gateway`, `images`, `annotations`) listens.
    ///
    /// # Errors
    /// It did not start; the error has its output.
    pub async fn start(arguments: &[&str], ports: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(program());
        command.args(arguments);
        Self::start_by(command, ports).await
    }

    /// Starts the program by `command`, and waits as [`Self::start`] does.
    ///
    /// # Errors
    /// It did not start; the error has its output.
    pub async fn start_by(mut command: Command, ports: &[&str]) -> anyhow::Result<Self> {
        // No load balancer needs the delay. A test can set it by the flag, which overrides the variable.
        command.env("RETICLE_DRAIN_DELAY_SECONDS", "0");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program().display()))?;
        let log = BufReader::new(child.stderr.take().context("no log")?);
        let listening = tokio::time::timeout(START_TIMEOUT, read_addresses(log, ports));
        let (addresses, log) = listening.await.context("the program did not become ready")??;
        Ok(Self { child, addresses, log })
    }

    /// The address of a port.
    ///
    /// # Errors
    /// The start did not wait for this port.
    pub fn address(&self, port: &str) -> anyhow::Result<SocketAddr> {
        self.addresses.get(port).copied().with_context(|| format!("no port {port}"))
    }

    /// The process id.
    ///
    /// # Errors
    /// The process has stopped.
    pub fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("the process has stopped")
    }

    /// Closes its log: every later write of the process to it fails.
    pub async fn close_log(&mut self) {
        self.log.abort();
        drop((&mut self.log).await);
    }

    /// Kills the process (SIGKILL) and waits until it has stopped.
    ///
    /// # Errors
    /// The process could not be killed.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot kill the process")
    }

    /// Waits until the process stops.
    ///
    /// # Errors
    /// Waiting failed.
    pub async fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        self.child.wait().await.context("cannot wait for the process")
    }
}

/// Reads the addresses from the JSON log until every port is bound, then keeps reading the log so that the pipe never fills.
async fn read_addresses(
    log: BufReader<ChildStderr>,
    ports: &[&str],
) -> anyhow::Result<(BTreeMap<String, SocketAddr>, JoinHandle<()>)> {
    let (mut lines, mut addresses, mut seen) = (log.lines(), BTreeMap::new(), String::new());
    while let Some(line) = lines.next_line().await? {
        let event: Value = serde_json::from_str(&line).unwrap_or_default();
        let name = event["message"]
            .as_str()
            .and_then(|message| message.split_once(" listens on "))
            .map(|(name, _)| name);
        let address = event["address"].as_str().and_then(|text| text.parse::<SocketAddr>().ok());
        if let (Some(name), Some(address)) = (name, address) {
            addresses.insert(name.to_owned(), address);
        }
        seen += &line;
        seen.push('\n');
        if ports.iter().all(|port| addresses.contains_key(*port)) {
            let mut log = lines.into_inner();
            let rest = tokio::task::spawn(async move {
                // Without parsing, to save time: the benchmarks share the processors with the program.
                drop(tokio::io::copy(&mut log, &mut tokio::io::sink()).await);
            });
            return Ok((addresses, rest));
        }
    }
    bail!("the program stopped before it listened:\n{seen}")
}
