//! The Worker under test, running.

use std::{
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use reqwest::StatusCode;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::Child,
};

use crate::tools::Tools;

/// How long the runtime may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How often the log is asked whether it has started.
const START_POLL: Duration = Duration::from_millis(50);

/// What wrangler says, ahead of the URL, once the Worker can be called.
const READY: &str = "Ready on ";

/// A running Worker with a database and a bucket of its own; told to end when dropped.
pub(crate) struct Running {
    wrangler: Child,
    log: Log,
    url: String,
    client: reqwest::Client,
    _state: TempDir,
}

impl Running {
    /// Builds it, starts it and waits until it can be called.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let tools = Tools::find()?;
        let built =
            tools.worker_build().current_dir(tools.worker()).status().await.context("worker-build")?;
        ensure!(built.success(), "worker-build: {built}");
        let state = tempfile::tempdir()?;
        let mut wrangler = tools.wrangler()?;
        wrangler.args(["dev", "--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0", "--persist-to"]);
        wrangler.arg(state.path()).current_dir(tools.worker());
        // A group of its own, so that all that it starts ends with it.
        wrangler.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut wrangler = wrangler.spawn().context("wrangler")?;
        let log = Log::default();
        log.follow(wrangler.stdout.take());
        log.follow(wrangler.stderr.take());
        let url = log.ready().await?;
        Ok(Self { wrangler, log, url, client: reqwest::Client::new(), _state: state })
    }

    /// Runs the test of that name there.
    pub(crate) async fn get(&self, name: &str) -> reqwest::Result<StatusCode> {
        Ok(self.client.get(format!("{}/{name}", self.url)).send().await?.status())
    }

    /// How much it has logged so far.
    pub(crate) fn log_length(&self) -> usize {
        self.log.since(0).len()
    }

    /// What it has logged since then.
    pub(crate) fn log_since(&self, length: usize) -> String {
        self.log.since(length)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // By the command, for the call itself is unsafe in Rust.
        if let Some(group) = self.wrangler.id() {
            let _ = std::process::Command::new("kill").args(["-TERM", "--", &format!("-{group}")]).status();
        }
    }
}

/// What wrangler prints.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    /// Reads `output` to its end, so that its writer never waits.
    #[expect(clippy::disallowed_methods, reason = "it ends with the process that writes")]
    fn follow(&self, output: Option<impl AsyncRead + Unpin + Send + 'static>) {
        let (log, output) = (self.clone(), output.expect("it is piped"));
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut text = log.0.lock().unwrap_or_else(PoisonError::into_inner);
                text.push_str(&line);
                text.push('\n');
            }
        });
    }

    /// Waits for the URL.
    async fn ready(&self) -> anyhow::Result<String> {
        let asked = START_TIMEOUT.as_millis() / START_POLL.as_millis();
        for _ in 0..asked {
            let text = self.since(0);
            let url = text.lines().find_map(|line| line.split_once(READY).map(|(_, url)| url.trim()));
            if let Some(url) = url {
                return Ok(url.to_owned());
            }
            tokio::time::sleep(START_POLL).await;
        }
        bail!("the Worker does not get ready:\n{}", self.since(0))
    }

    fn since(&self, length: usize) -> String {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.get(length..).unwrap_or_default().to_owned()
    }
}
