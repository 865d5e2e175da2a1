//! nginx as most operators have it in front of a service: `proxy_pass`, and nothing else.

use std::{net::SocketAddr, process::Stdio, time::Duration};

use anyhow::{Context as _, bail};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

use crate::tools;

/// How long a start may take before it counts as failed.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// What nginx logs once its sockets listen.
const READY: &str = "nginx/";

/// A running nginx, which listens on a socket in its own folder; killed when dropped.
pub struct Nginx {
    _process: Child,
    folder: TempDir,
    /// Kept open, so that nginx can go on logging.
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
        let mut nginx = Command::new(tools::foreign_programs()?.join("nginx/usr/sbin/nginx"));
        // A relative socket is bound in the working folder, not below the prefix.
        nginx.current_dir(folder.path()).arg("-p").arg(folder.path()).args([
            "-e",
            "stderr",
            "-c",
            "nginx.conf",
        ]);
        nginx.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = nginx.spawn().context("cannot start nginx")?;
        let mut log = BufReader::new(process.stderr.take().context("no log")?);
        timeout(START_TIMEOUT, listening(&mut log)).await.context("nginx does not get ready")??;
        Ok(Self { _process: process, folder, _log: log })
    }

    /// A client whose requests all go to it, whatever host they name.
    ///
    /// # Errors
    /// The client cannot be made.
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

async fn listening(log: &mut BufReader<ChildStderr>) -> anyhow::Result<()> {
    let mut seen = String::new();
    loop {
        let before = seen.len();
        if log.read_line(&mut seen).await? == 0 {
            bail!("nginx ended without listening:\n{seen}");
        }
        if seen.get(before..).is_some_and(|line| line.contains(READY)) {
            return Ok(());
        }
    }
}
