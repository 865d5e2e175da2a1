//! Runs nginx in front of a service with the most common configuration: `proxy_pass` and nothing else.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

use crate::tools;

/// The timeout of a start.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// What nginx logs as soon as its sockets listen.
const READY: &str = "nginx/";

/// A running nginx that listens on a socket in its own folder; killed when dropped.
pub struct Nginx {
    _process: Child,
    folder: TempDir,
    /// Stays open, so that nginx can continue to log.
    _log: BufReader<ChildStderr>,
}

impl Nginx {
    /// Starts it in front of `upstream`, with the defaults of its Debian package, and waits until it listens.
    ///
    /// # Errors
    /// It is not installed, or did not start; the error has what it printed.
    pub async fn start(upstream: SocketAddr) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("nginx.conf"), configuration(upstream))?;
        let mut nginx = Command::new(tools::third_party_tools()?.join("nginx/usr/sbin/nginx"));
        // A relative socket path is relative to the working folder, not to the prefix.
        nginx.current_dir(folder.path()).arg("-p").arg(folder.path()).args([
            "-e",
            "stderr",
            "-c",
            "nginx.conf",
        ]);
        nginx.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = nginx.spawn().context("cannot start nginx")?;
        let mut log = BufReader::new(process.stderr.take().context("no log")?);
        timeout(START_TIMEOUT, wait_until_listening(&mut log))
            .await
            .context("nginx did not become ready")??;
        Ok(Self { _process: process, folder, _log: log })
    }

    /// A client that sends all requests to nginx, regardless of the host in the URL.
    ///
    /// # Errors
    /// The client cannot be created.
    pub fn client(&self) -> anyhow::Result<reqwest::Client> {
        Ok(reqwest::Client::builder().unix_socket(self.folder.path().join("socket")).build()?)
    }
}

fn configuration(upstream: SocketAddr) -> String {
    format!(
        "daemon off;
        master_process off;
        pid nginx.pid;
        error_log stderr notice;
        events {{}}
        http {{
            access_log off;
            gzip on;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            server {{
                listen unix:socket;
                location / {{ proxy_pass http://{upstream}; }}
            }}
        }}"
    )
}

async fn wait_until_listening(log: &mut BufReader<ChildStderr>) -> anyhow::Result<()> {
    let mut seen = String::new();
    loop {
        let before = seen.len();
        if log.read_line(&mut seen).await? == 0 {
            bail!("nginx stopped before it listened:\n{seen}");
        }
        if seen.get(before..).is_some_and(|line| line.contains(READY)) {
            return Ok(());
        }
    }
}
