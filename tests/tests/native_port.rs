//! A service's own port, and clients of HTTP/1.1 that write everything before they read.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use tests::Program;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// More than the kernel's buffers hold.
const LENGTH: usize = 16 * 1024 * 1024;

/// Given an upload that is refused at its first byte, when all of it is written before the answer is read, then the answer
/// is there, and the connection was not reset under the writer.
#[tokio::test]
async fn who_writes_on_after_a_refusal_still_reads_it() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let mut connection = TcpStream::connect(program.target().images).await?;
    let head = format!(
        "POST /reticle.images.v1.ImagesService/UploadImage HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\
         content-type: application/grpc-web+proto\r\nauthorization: Bearer nonsense\r\ncontent-length: {LENGTH}\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await?;
    // The refusal is there before the body is.
    let chunk = vec![0; 64 * 1024];
    for _ in 0..LENGTH / chunk.len() {
        connection.write_all(&chunk).await.context("the connection broke under the writer")?;
    }
    let mut answer = Vec::new();
    timeout(Duration::from_secs(30), connection.read_to_end(&mut answer)).await??;
    let answer = String::from_utf8_lossy(&answer);
    ensure!(answer.starts_with("HTTP/1.1 200") && answer.contains("grpc-status:16"), "{answer}");
    Ok(())
}
