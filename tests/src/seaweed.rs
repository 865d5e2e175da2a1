//! Runs SeaweedFS, an object store with the S3 API.

use std::{net::TcpListener, process::Stdio, time::Duration};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::tools;

/// The credentials that it accepts, as the environment variables from which S3 clients read theirs.
pub const S3_CREDENTIALS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "reticle-tests"), ("AWS_SECRET_ACCESS_KEY", "not-a-secret-but-long-enough")];

/// The timeout of a start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The interval of the checks whether it has started.
const START_POLL: Duration = Duration::from_millis(100);

/// Its parts that listen, by the names of their flags. Each has a port for HTTP and one for gRPC.
const PARTS: [&str; 4] = ["master", "volume", "filer", "s3"];

/// A running server; killed when dropped.
pub struct SeaweedFs {
    process: Child,
    arguments: Vec<String>,
    s3_port: u16,
    filer_port: u16,
    client: reqwest::Client,
    _folder: TempDir,
}

impl SeaweedFs {
    /// Starts it on a new folder and waits until it stores objects.
    ///
    /// # Errors
    /// It is not installed, or does not start.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let identities = folder.path().join("identities.json");
        std::fs::write(&identities, identities_json())?;
        let ports = free_ports()?;
        let mut arguments: Vec<String> =
            ["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-volume.max=0"]
                .map(str::to_owned)
                .into();
        arguments.push("-master.volumeSizeLimitMB=64".to_owned());
        arguments.push(format!("-dir={}", folder.path().display()));
        arguments.push(format!("-s3.config={}", identities.display()));
        for (part, [http, grpc]) in PARTS.iter().zip(ports) {
            arguments.push(format!("-{part}.port={http}"));
            arguments.push(format!("-{part}.port.grpc={grpc}"));
        }
        let [_, _, [filer_port, _], [s3_port, _]] = ports;
        let process = spawn(&arguments)?;
        let client = reqwest::Client::new();
        let server = Self { process, arguments, s3_port, filer_port, client, _folder: folder };
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// The URL of its S3 API.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.s3_port)
    }

    /// Creates an empty bucket and returns its URL for `--objects-url`.
    ///
    /// # Errors
    /// The server rejects the bucket.
    pub async fn new_bucket(&self, name: &str) -> anyhow::Result<String> {
        // A bucket is a folder. The file interface creates it without a signature.
        let url = format!("http://127.0.0.1:{}/buckets/{name}/", self.filer_port);
        let made = self.client.post(url).send().await?.status();
        ensure!(made.is_success(), "no bucket {name}: {made}");
        Ok(format!("s3://{name}?endpoint={}", self.endpoint()))
    }

    /// Kills it (SIGKILL).
    ///
    /// # Errors
    /// It could not be killed.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.process.kill().await.context("cannot kill SeaweedFS")
    }

    /// Starts it again with its old data, after it was killed.
    ///
    /// # Errors
    /// It does not start.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.process = spawn(&self.arguments)?;
        self.wait_until_ready().await
    }

    async fn wait_until_ready(&self) -> anyhow::Result<()> {
        let polls = START_TIMEOUT.as_millis() / START_POLL.as_millis();
        for _ in 0..polls {
            if self.is_ready().await {
                return Ok(());
            }
            tokio::time::sleep(START_POLL).await;
        }
        bail!("SeaweedFS did not become ready")
    }

    /// Whether all of its parts are connected.
    async fn is_ready(&self) -> bool {
        let file = format!("http://127.0.0.1:{}/ready", self.filer_port);
        let stored = self.client.put(file).body("ready").send().await;
        let signed = self.client.get(self.endpoint()).send().await;
        stored.is_ok_and(|response| response.status().is_success()) && signed.is_ok()
    }
}

fn spawn(arguments: &[String]) -> anyhow::Result<Child> {
    let mut weed = Command::new(tools::third_party_tools()?.join("python/bin/weed"));
    weed.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    weed.spawn().context("cannot start SeaweedFS")
}

fn identities_json() -> String {
    let [(_, access_key), (_, secret_key)] = S3_CREDENTIALS;
    serde_json::json!({"identities": [{
        "name": "tests",
        "credentials": [{"accessKey": access_key, "secretKey": secret_key}],
        "actions": ["Admin", "Read", "Write", "List"],
    }]})
    .to_string()
}

/// Free ports, since SeaweedFS does not accept port 0. Each stays bound until all are found, so that no two are the same.
fn free_ports() -> anyhow::Result<[[u16; 2]; 4]> {
    let mut held = Vec::new();
    let mut port = || -> anyhow::Result<u16> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        held.push(listener);
        Ok(port)
    };
    let mut pair = || -> anyhow::Result<[u16; 2]> { Ok([port()?, port()?]) };
    Ok([pair()?, pair()?, pair()?, pair()?])
}
