//! More connections than there may be.

use std::{io, net::SocketAddr, sync::Arc};

use anyhow::ensure;
use tempfile::TempDir;
use tests::{Program, program};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    process::Command,
    time::timeout,
};

use super::{PATIENCE, cost};

/// The beginning of an HTTP/2 connection, with empty SETTINGS.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A connection from `from`, which is another client than 127.0.0.1.
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
    timeout(PATIENCE, served).await.is_ok_and(|served| served.unwrap_or(false))
}

/// Opens as many connections, and answers those that are served.
async fn crowd(count: usize, from: [u8; 4], address: SocketAddr) -> anyhow::Result<Vec<TcpStream>> {
    let mut served = Vec::new();
    for _ in 0..count {
        let mut stream = connect_from(from, address).await?;
        if is_served(&mut stream).await {
            served.push(stream);
        }
    }
    Ok(served)
}

/// Given a client with as many connections as one address may have, when it opens more, then those are closed, and other
/// clients are served; when some of its connections end, then it is served again.
#[tokio::test]
async fn one_address_has_its_share_of_the_connections() -> anyhow::Result<()> {
    let program = Program::start(&["--max-connections-per-address", "20"]).await?;
    let gateway = program.target().gateway;
    let greedy = crowd(30, [127, 0, 0, 2], gateway).await?;
    ensure!(greedy.len() == 20, "{}", greedy.len());
    ensure!(crowd(3, [127, 0, 0, 3], gateway).await?.len() == 3);
    // All ports count together.
    ensure!(crowd(1, [127, 0, 0, 2], program.target().images).await?.is_empty());
    drop(greedy);
    let again =
        async { while crowd(1, [127, 0, 0, 2], gateway).await.is_ok_and(|served| served.is_empty()) {} };
    timeout(PATIENCE, again).await?;
    Ok(())
}

/// Given a process with few file descriptors, when a client opens more connections than there are, then the process keeps
/// some, and another client finds it healthy.
#[tokio::test]
async fn a_crowd_leaves_descriptors_for_a_health_check() -> anyhow::Result<()> {
    const DESCRIPTORS: usize = 256;
    let folder = Arc::new(TempDir::new()?);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {DESCRIPTORS} && exec \"$@\""), "sh"]);
    command.arg(program()).args(Program::arguments(folder.path()));
    let program = Program::start_by(command, folder).await?;
    let gateway = program.target().gateway;
    let mut crowd = Vec::new();
    for _ in 0..2 * DESCRIPTORS {
        let mut peer = connect_from([127, 0, 0, 2], gateway).await?;
        // It speaks HTTP/2, and so may be idle for a while; it may be closed already, too.
        drop(peer.write_all(HTTP2_PREFACE).await);
        crowd.push(peer);
    }
    for _ in 0..3 {
        let mut check = connect_from([127, 0, 0, 3], gateway).await?;
        ensure!(is_served(&mut check).await, "no place for a health check");
        let open = cost::descriptors(&program)?;
        ensure!(open < DESCRIPTORS * 3 / 4, "{open} descriptors of {DESCRIPTORS}");
    }
    let user = program.target().new_user();
    drop(crowd);
    let again = async { while user.new_image().await.is_err() {} };
    timeout(PATIENCE, again).await?;
    Ok(())
}
