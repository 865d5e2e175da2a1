//! `wrangler dev`: Workers on this machine, on D1 and R2 as Cloudflare simulates them.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::Child,
};

use crate::tools;

/// How long the runtime may take to start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How often the log is asked whether it has started.
const START_POLL: Duration = Duration::from_millis(50);

/// What wrangler says, ahead of the URL, once the Workers can be called.
const READY: &str = "Ready on ";

/// Running Workers with a database and buckets of their own; told to end when dropped.
pub struct Wrangler {
    process: Child,
    log: Log,
    url: String,
    state: TempDir,
}

impl Wrangler {
    /// Builds the crate in `folder` (from the root of the workspace), a Worker, and starts it.
    ///
    /// # Errors
    /// It cannot be built or started; the error has the log.
    pub async fn build_and_start(folder: &str) -> anyhow::Result<Self> {
        let folder = tools::root().join(folder).canonicalize()?;
        let built = tools::worker_build(&folder).status().await.context("worker-build")?;
        ensure!(built.success(), "worker-build: {built}");
        Self::start(&[folder.join("wrangler.jsonc")]).await
    }

    /// Starts the Workers of these configurations, the first of which answers, and waits until it does.
    ///
    /// # Errors
    /// They cannot be started; the error has the log.
    pub async fn start(configurations: &[PathBuf]) -> anyhow::Result<Self> {
        let state = tempfile::tempdir()?;
        let mut wrangler = tools::wrangler()?;
        wrangler.args([
            "dev",
            "--ip",
            "127.0.0.1",
            "--port",
            "0",
            "--inspector-port",
            "0",
            "--test-scheduled",
        ]);
        for configuration in configurations {
            wrangler.arg("--config").arg(configuration);
        }
        wrangler.arg("--persist-to").arg(state.path());
        // Workers of other tests have the same names: by the common registry they would be bound to each other.
        let registry = state.path().join("registry");
        wrangler.env("WRANGLER_REGISTRY_PATH", &registry);
        // A group of its own, so that all that it starts ends with it.
        wrangler.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut process = wrangler.spawn().context("wrangler")?;
        let log = Log::default();
        log.follow(process.stdout.take());
        log.follow(process.stderr.take());
        // Owned from here on, so that it ends even if it never gets ready.
        let mut running = Self { process, log, url: String::new(), state };
        running.url = running.log.ready().await?;
        Ok(running)
    }

    /// Where the first Worker answers, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How much it has logged so far.
    #[must_use]
    pub fn log_length(&self) -> usize {
        self.log.since(0).len()
    }

    /// What it has logged since then.
    #[must_use]
    pub fn log_since(&self, length: usize) -> String {
        self.log.since(length)
    }

    /// The folder that keeps the databases and buckets.
    #[must_use]
    pub fn state(&self) -> &Path {
        self.state.path()
    }
}

impl Drop for Wrangler {
    fn drop(&mut self) {
        // By the command, for the call itself is unsafe in Rust.
        if let Some(group) = self.process.id() {
            let _ = std::process::Command::new("kill").args(["-TERM", "--", &format!("-{group}")]).status();
        }
    }
}

/// What wrangler prints.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    /// Reads `output` to its end, so that its writer never waits.
    fn follow(&self, output: Option<impl AsyncRead + Unpin + Send + 'static>) {
        let Some(output) = output else { return };
        let log = self.clone();
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
        bail!("the Workers do not get ready:\n{}", self.since(0))
    }

    fn since(&self, length: usize) -> String {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.get(length..).unwrap_or_default().to_owned()
    }
}
