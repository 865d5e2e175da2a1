//! Runs the committed Workers with bindings and variables that a test chooses.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use xtask::configuration;

use crate::{Target, Wrangler, token::SECRET};

/// The id of the D1 database of both services.
const DATABASE_ID: &str = "00000000-0000-0000-0000-000000000000";

/// One of the three Workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    /// `gateway/worker`
    Gateway,
    /// `services/worker/images`
    Images,
    /// `services/worker/annotations`
    Annotations,
}

impl Worker {
    const fn folder(self) -> &'static str {
        match self {
            Self::Gateway => "gateway/worker",
            Self::Images => "services/worker/images",
            Self::Annotations => "services/worker/annotations",
        }
    }
}

/// Workers that are not started yet. Once they run, the first one receives the requests.
pub struct Deployment {
    workers: Vec<(Worker, Map<String, Value>)>,
}

impl Deployment {
    /// The committed configurations of these Workers, with the tests' secrets.
    ///
    /// # Errors
    /// A configuration cannot be read.
    pub fn new(workers: &[Worker]) -> anyhow::Result<Self> {
        let workers = workers.iter().map(|worker| Ok((*worker, committed(*worker)?)));
        Ok(Self { workers: workers.collect::<anyhow::Result<_>>()? })
    }

    /// Replaces a section of one Worker's configuration.
    #[must_use]
    pub fn with(mut self, worker: Worker, section: &str, value: &Value) -> Self {
        for (_, configuration) in self.workers.iter_mut().filter(|(of, _)| *of == worker) {
            configuration.insert(section.to_owned(), value.clone());
        }
        self
    }

    /// Sets a variable of all Workers.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        for (_, configuration) in &mut self.workers {
            configuration["vars"][name] = json!(value);
        }
        self
    }

    /// Starts them on a new, migrated database and empty buckets.
    ///
    /// # Errors
    /// They are not built, or do not start; the error has the log.
    pub async fn start(self) -> anyhow::Result<Running> {
        let folder = tempfile::tempdir()?;
        let mut files = Vec::new();
        for (worker, configuration) in &self.workers {
            let built = xtask::root().join(worker.folder()).join("build/index.js");
            ensure!(built.exists(), "{} is missing: run `cargo xtask dev-worker` once", built.display());
            let file = folder.path().join(format!("{worker:?}.json"));
            fs::write(&file, json!(configuration).to_string())?;
            files.push(file);
        }
        let running = Running { wrangler: Wrangler::start(&files).await?, _configurations: folder };
        if self.workers.iter().any(|(worker, _)| *worker != Worker::Gateway) {
            running.migrate().await?;
        }
        Ok(running)
    }
}

/// Running Workers; stopped when dropped.
pub struct Running {
    wrangler: Wrangler,
    _configurations: TempDir,
}

impl Running {
    /// The runtime.
    #[must_use]
    pub const fn wrangler(&self) -> &Wrangler {
        &self.wrangler
    }

    /// The addresses of the first Worker.
    ///
    /// # Errors
    /// Its URL has no address.
    pub fn target(&self) -> anyhow::Result<Target> {
        let address = self.wrangler.url().strip_prefix("http://").context("no address")?;
        Target::behind(address.replace("localhost", "127.0.0.1").parse()?)
    }

    /// Runs SQL on the database directly, without the Workers, and returns the rows.
    ///
    /// # Errors
    /// The database rejects the statement.
    pub async fn sql(&self, sql: &str, params: &[&str]) -> anyhow::Result<Value> {
        let path = format!("cdn-cgi/local/explorer/api/d1/database/{DATABASE_ID}/raw");
        let url = format!("{}/{path}", self.wrangler.url());
        let request = reqwest::Client::new().post(url).json(&json!({"sql": sql, "params": params}));
        let response: Value = request.send().await?.json().await?;
        ensure!(response["success"] == true, "{sql}: {response}");
        Ok(response["result"][0]["results"]["rows"].clone())
    }

    async fn migrate(&self) -> anyhow::Result<()> {
        let mut files: Vec<PathBuf> = fs::read_dir(xtask::root().join("migrations"))?
            .map(|entry| Ok(entry?.path()))
            .collect::<anyhow::Result<_>>()?;
        files.sort();
        for file in files {
            self.sql(&fs::read_to_string(&file)?, &[]).await?;
        }
        Ok(())
    }
}

/// The committed configuration of a Worker, for use in another folder: paths are absolute, and secrets are variables.
fn committed(worker: Worker) -> anyhow::Result<Map<String, Value>> {
    let folder = xtask::root().join(worker.folder());
    let mut configuration = configuration::read(&folder)?;
    configuration::make_paths_absolute(&mut configuration, &folder);
    configuration.remove("secrets");
    for (name, value) in [("RETICLE_JWT_SECRET", SECRET), ("RETICLE_URL_KEY", SECRET)] {
        configuration["vars"][name] = json!(value);
    }
    Ok(configuration)
}
