//! A service's own port, called by HTTP/1.1 clients that write everything before they read.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use tests::Program;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// More than fits into the kernel's buffers.
const LENGTH: usize = 16 * 1024 * 1024;

/// Given an upload that is rejected at its first byte, when the client writes all of it before it reads, then the client
/// receives the response, and the connection is not reset during the writes.
#[tokio::test]
async fn a_client_that_writes_the_whole_body_can_read_the_rejection() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let mut connection = TcpStream::connect(program.target().images).await?;
    let head = format!(
        "POST /reticle.images.v1.ImagesService/UploadImage HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
         content-type: application/grpc-web+proto\r\nauthorization: Bearer nonsense\r\ncontent-length: {LENGTH}\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await?;
    // The server responds before it receives the body.
    let chunk = vec![0; 64 * 1024];
    for _ in 0..LENGTH / chunk.len() {
        connection.write_all(&chunk).await.context("the connection broke during the writes")?;
    }
    let mut response = Vec::new();
    timeout(Duration::from_secs(30), connection.read_to_end(&mut response)).await??;
    let response = String::from_utf8_lossy(&response);
    ensure!(response.starts_with("HTTP/1.1 200") && response.contains("grpc-status:16"), "{response}");
    Ok(())
}
