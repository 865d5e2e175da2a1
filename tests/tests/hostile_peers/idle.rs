//! Idle connections.

use anyhow::ensure;
use http::Request;
use reqwest::Method;
use tests::{ImageFile, Program};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{MAX_WAIT, http2};

/// Given an idle HTTP/2 connection, when the idle timeout is over, then it is closed by a GOAWAY without an error, whether it
/// had a request before or not.
#[tokio::test]
async fn an_idle_http2_connection_is_closed_without_an_error() -> anyhow::Result<()> {
    let program = Program::start(&["--idle-timeout", "1s"]).await?;
    let mut used = http2::connect(program.target().gateway, 65_535).await?;
    let response = used.get(&program.target().url("/livez")).await?;
    ensure!(response.status() == 200);
    http2::drain(response.into_body()).await?;
    let unused = http2::connect(program.target().images, 65_535).await?;
    for client in [used, unused] {
        timeout(MAX_WAIT, client.ended).await???;
    }
    Ok(())
}

/// Sends an HTTP/1.1 request, and reads the whole response.
async fn request(connection: &mut TcpStream) -> anyhow::Result<()> {
    connection.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").await?;
    let mut response = Vec::new();
    while !response.ends_with(b"}") {
        ensure!(connection.read_buf(&mut response).await? > 0, "{}", String::from_utf8_lossy(&response));
    }
    ensure!(response.starts_with(b"HTTP/1.1 200 OK"), "{}", String::from_utf8_lossy(&response));
    Ok(())
}

/// Given a kept-alive HTTP/1.1 connection, when the idle timeout is over, then it is closed.
#[tokio::test]
async fn an_idle_http1_connection_is_closed() -> anyhow::Result<()> {
    let program = Program::start(&["--idle-timeout", "1s"]).await?;
    let mut connection = TcpStream::connect(program.target().gateway).await?;
    for _ in 0..2 {
        request(&mut connection).await?;
    }
    timeout(MAX_WAIT, connection.read_to_end(&mut Vec::new())).await??;
    Ok(())
}

/// Given an incomplete request head, when the timeout for heads is over, then the connection is closed.
#[tokio::test]
async fn an_incomplete_request_head_times_out() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    for requests_before in [0, 1] {
        let mut connection = TcpStream::connect(program.target().gateway).await?;
        for _ in 0..requests_before {
            request(&mut connection).await?;
        }
        connection.write_all(b"GET /livez HTTP/1.1\r\nhost: ").await?;
        timeout(MAX_WAIT, connection.read_to_end(&mut Vec::new())).await??;
    }
    Ok(())
}

/// Given a busy connection, when it reaches its maximum age, then it accepts no new requests, and running requests complete.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_closes_after_its_last_request() -> anyhow::Result<()> {
    let program = Program::start(&["--max-connection-age", "1s"]).await?;
    let user = program.target().new_user();
    let file = ImageFile::of_size(20_000);
    let mut client = http2::connect(program.target().gateway, 65_535).await?;
    let upload = Request::builder()
        .method(Method::POST)
        .uri(program.target().url("/api/images/upload"))
        .header("authorization", format!("Bearer {}", user.token))
        .header("content-type", "image/png")
        .body(())?;
    let (response, mut body) = client.send(upload, false).await?;
    body.send_data(file.bytes[..10_000].to_vec().into(), false)?;
    let old = async {
        while let Ok(response) = client.get(&program.target().url("/livez")).await {
            ensure!(response.status() == 200);
        }
        Ok(())
    };
    timeout(MAX_WAIT, old).await??;
    body.send_data(file.bytes[10_000..].to_vec().into(), true)?;
    let response = timeout(MAX_WAIT, response).await??;
    ensure!(response.status() == 201, "{}", response.status());
    http2::drain(response.into_body()).await?;
    timeout(MAX_WAIT, client.ended).await???;
    Ok(())
}
