//! Runs `wrangler dev`: Workers on this machine, with Cloudflare's simulators of D1 and R2.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use xtask::{ProcessGroup, READY, WorkerTools};

/// The timeout of a start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The interval of the checks of the log.
const START_POLL: Duration = Duration::from_millis(50);

/// Running Workers with their own database and buckets; stopped when dropped.
pub struct Wrangler {
    // Before the folder: it is removed only after the processes have stopped.
    _processes: ProcessGroup,
    log: Log,
    url: String,
    state: TempDir,
}

impl Wrangler {
    /// Builds the Worker in `folder` (relative to the root of the workspace), and starts it.
    ///
    /// # Errors
    /// It cannot be built or started; the error has the log.
    pub async fn build_and_start(folder: &str) -> anyhow::Result<Self> {
        let folder = xtask::root().join(folder);
        let mut build = tokio::process::Command::from(WorkerTools::default().worker_build(&folder));
        let built = build.status().await.context("worker-build")?;
        ensure!(built.success(), "worker-build: {built}");
        Self::start(&[folder.join("wrangler.jsonc")]).await
    }

    /// Starts the Workers of these configurations and waits until they are ready. The first one receives the requests.
    ///
    /// # Errors
    /// They cannot be started; the error has the log.
    pub async fn start(configurations: &[PathBuf]) -> anyhow::Result<Self> {
        let state = tempfile::tempdir()?;
        let mut wrangler = WorkerTools::default().dev(configurations, 0, state.path())?;
        // Workers of other tests have the same names: a shared registry would bind them to each other.
        let registry = state.path().join("registry");
        wrangler.env("WRANGLER_REGISTRY_PATH", &registry).env("NO_COLOR", "1").stderr(Stdio::piped());
        // From here on the processes stop even if they never become ready.
        let mut processes = ProcessGroup::spawn(wrangler.into()).context("wrangler")?;
        let log = Log::default();
        log.follow(processes.leader().stdout.take());
        log.follow(processes.leader().stderr.take());
        let mut running = Self { _processes: processes, log, url: String::new(), state };
        running.url = running.log.wait_for_url().await?;
        Ok(running)
    }

    /// The URL of the first Worker, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The length of its log so far.
    #[must_use]
    pub fn log_length(&self) -> usize {
        self.log.since(0).len()
    }

    /// The log after its first `length` bytes.
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

/// What wrangler prints.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    /// Reads `output` to its end, so that its writer never blocks.
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

    /// Waits until the log has the URL.
    async fn wait_for_url(&self) -> anyhow::Result<String> {
        let polls = START_TIMEOUT.as_millis() / START_POLL.as_millis();
        for _ in 0..polls {
            let text = self.since(0);
            let url = text.lines().find_map(|line| line.split_once(READY).map(|(_, url)| url.trim()));
            if let Some(url) = url {
                return Ok(url.to_owned());
            }
            tokio::time::sleep(START_POLL).await;
        }
        bail!("the Workers did not become ready:\n{}", self.since(0))
    }

    fn since(&self, length: usize) -> String {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.get(length..).unwrap_or_default().to_owned()
    }
}
