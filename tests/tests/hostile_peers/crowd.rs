//! More connections than the limits allow.

use std::{fs, io, net::SocketAddr, sync::Arc};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use tests::{Program, program};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    process::Command,
    time::timeout,
};

use super::{MAX_WAIT, cost};

/// The beginning of an HTTP/2 connection, with empty SETTINGS.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Connects from the address `from`, so that tests can act as different clients.
async fn connect_from(from: [u8; 4], address: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(address).await
}

/// Whether a connection is served.
async fn is_served(stream: &mut TcpStream) -> bool {
    let served = async {
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").await?;
        let mut response = vec![0; 15];
        stream.read_exact(&mut response).await?;
        io::Result::Ok(response == b"HTTP/1.1 200 OK")
    };
    timeout(MAX_WAIT, served).await.is_ok_and(|served| served.unwrap_or(false))
}

/// Opens `count` connections, and returns those that are served.
async fn open_connections(
    count: usize,
    from: [u8; 4],
    address: SocketAddr,
) -> anyhow::Result<Vec<TcpStream>> {
    let mut served = Vec::new();
    for _ in 0..count {
        let mut stream = connect_from(from, address).await?;
        if is_served(&mut stream).await {
            served.push(stream);
        }
    }
    Ok(served)
}

/// Given a client with the maximum number of connections for one address, when it opens more, then these are closed, and
/// other clients are served; when its connections close, then it is served again.
#[tokio::test]
async fn connections_per_address_are_limited() -> anyhow::Result<()> {
    let program = Program::start(&["--max-connections-per-address", "20"]).await?;
    let gateway = program.target().gateway;
    let connections = open_connections(30, [127, 0, 0, 2], gateway).await?;
    ensure!(connections.len() == 20, "{}", connections.len());
    ensure!(open_connections(3, [127, 0, 0, 3], gateway).await?.len() == 3);
    // The limit is for all ports together.
    ensure!(open_connections(1, [127, 0, 0, 2], program.target().images).await?.is_empty());
    drop(connections);
    let again = async {
        while open_connections(1, [127, 0, 0, 2], gateway).await.is_ok_and(|served| served.is_empty()) {}
    };
    timeout(MAX_WAIT, again).await?;
    Ok(())
}

/// Starts the program after this command of the shell.
async fn start_limited(limit: &str) -> anyhow::Result<Program> {
    let folder = Arc::new(TempDir::new()?);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{limit} && exec \"$@\""), "sh"]);
    command.arg(program()).args(Program::arguments(folder.path()));
    Program::start_by(command, folder).await
}

/// Given a soft limit of file descriptors below the hard limit, when the program starts, then it raises it to the hard limit.
#[tokio::test]
async fn the_limit_of_descriptors_is_raised_to_the_hard_limit() -> anyhow::Result<()> {
    let program = start_limited("ulimit -Sn 256 && ulimit -Hn 512").await?;
    let limits = fs::read_to_string(format!("/proc/{}/limits", program.id()?))?;
    let line = limits.lines().find(|line| line.starts_with("Max open files")).context("no such limit")?;
    let [soft, hard] = [3, 4].map(|word| line.split_whitespace().nth(word));
    ensure!((soft, hard) == (Some("512"), Some("512")), "{line}");
    Ok(())
}

/// Given a process with few file descriptors, when a client opens more connections than that, then the process keeps some
/// descriptors free, and a health check of another client succeeds.
#[tokio::test]
async fn many_connections_leave_descriptors_for_a_health_check() -> anyhow::Result<()> {
    const DESCRIPTORS: usize = 256;
    let program = start_limited(&format!("ulimit -n {DESCRIPTORS}")).await?;
    let gateway = program.target().gateway;
    let mut crowd = Vec::new();
    for _ in 0..2 * DESCRIPTORS {
        let mut peer = connect_from([127, 0, 0, 2], gateway).await?;
        // An HTTP/2 connection may be idle for a while. The write fails if the server has already closed it.
        drop(peer.write_all(HTTP2_PREFACE).await);
        crowd.push(peer);
    }
    for _ in 0..3 {
        let mut check = connect_from([127, 0, 0, 3], gateway).await?;
        ensure!(is_served(&mut check).await, "the health check was not served");
        let open = cost::descriptors(&program)?;
        ensure!(open < DESCRIPTORS * 3 / 4, "{open} descriptors of {DESCRIPTORS}");
    }
    let user = program.target().new_user();
    drop(crowd);
    let again = async { while user.new_image().await.is_err() {} };
    timeout(MAX_WAIT, again).await?;
    Ok(())
}
