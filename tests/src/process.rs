//! One process of the program `reticle`.

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

/// How long a start may take before it counts as failed; how fast it should be is the bench's business.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A running process; killed when dropped.
pub struct Process {
    child: Child,
    addresses: BTreeMap<String, SocketAddr>,
    log: JoinHandle<()>,
}

/// The program beside this test program, as cargo built it.
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
    /// It did not start; the error has what it printed.
    pub async fn start(arguments: &[&str], ports: &[&str]) -> anyhow::Result<Self> {
        let mut command = Command::new(program());
        command.args(arguments);
        Self::start_by(command, ports).await
    }

    /// Starts the program by a command of the caller's, and waits in the same way.
    ///
    /// # Errors
    /// It did not start; the error has what it printed.
    pub async fn start_by(mut command: Command, ports: &[&str]) -> anyhow::Result<Self> {
        // Nobody balances load here. The flag, where a test gives it, wins.
        command.env("RETICLE_DRAIN_DELAY_SECONDS", "0");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", program().display()))?;
        let log = BufReader::new(child.stderr.take().context("no log")?);
        let listening = tokio::time::timeout(START_TIMEOUT, listening(log, ports));
        let (addresses, log) = listening.await.context("it does not get ready")??;
        Ok(Self { child, addresses, log })
    }

    /// Where a port is bound.
    ///
    /// # Errors
    /// It was not among those that the start waited for.
    pub fn address(&self, port: &str) -> anyhow::Result<SocketAddr> {
        self.addresses.get(port).copied().with_context(|| format!("no port {port}"))
    }

    /// The process id.
    ///
    /// # Errors
    /// It has ended.
    pub fn id(&self) -> anyhow::Result<u32> {
        self.child.id().context("it has ended")
    }

    /// Reads its log no further: whatever it writes from now on fails.
    pub async fn close_log(&mut self) {
        self.log.abort();
        drop((&mut self.log).await);
    }

    /// Kills it at once (SIGKILL) and waits for its end.
    ///
    /// # Errors
    /// It could not be killed.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot kill it")
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub async fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        self.child.wait().await.context("cannot wait for it")
    }
}

/// Reads the JSON log until every port is bound, then goes on reading so that the pipe never fills.
async fn listening(
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
                // Cheaply: the bench shares the processors with the program.
                drop(tokio::io::copy(&mut log, &mut tokio::io::sink()).await);
            });
            return Ok((addresses, rest));
        }
    }
    bail!("it ended without listening:\n{seen}")
}
