//! Connections that are open and do nothing.

use anyhow::ensure;
use http::Request;
use reqwest::Method;
use tests::{Picture, Program};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{PATIENCE, http2};

/// Given an HTTP/2 connection without a request, when the idle timeout is over, then it is closed by a GOAWAY that blames
/// nobody, whether there was a request before or not.
#[tokio::test]
async fn an_idle_http2_connection_is_closed_in_peace() -> anyhow::Result<()> {
    let program = Program::start(&["--idle-timeout", "1s"]).await?;
    let mut used = http2::connect(program.target().gateway, 65_535).await?;
    let response = used.get(&program.target().url("/livez")).await?;
    ensure!(response.status() == 200);
    http2::drain(response.into_body()).await?;
    let unused = http2::connect(program.target().images, 65_535).await?;
    for client in [used, unused] {
        timeout(PATIENCE, client.ended).await???;
    }
    Ok(())
}

/// Sends a request over HTTP/1.1, and reads the whole response.
async fn ask(connection: &mut TcpStream) -> anyhow::Result<()> {
    connection.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n").await?;
    let mut response = Vec::new();
    while !response.ends_with(b"}") {
        ensure!(connection.read_buf(&mut response).await? > 0, "{}", String::from_utf8_lossy(&response));
    }
    ensure!(response.starts_with(b"HTTP/1.1 200 OK"), "{}", String::from_utf8_lossy(&response));
    Ok(())
}

/// Given an HTTP/1.1 connection that is kept alive, when the idle timeout is over, then it is closed.
#[tokio::test]
async fn an_idle_http1_connection_is_closed() -> anyhow::Result<()> {
    let program = Program::start(&["--idle-timeout", "1s"]).await?;
    let mut connection = TcpStream::connect(program.target().gateway).await?;
    for _ in 0..2 {
        ask(&mut connection).await?;
    }
    timeout(PATIENCE, connection.read_to_end(&mut Vec::new())).await??;
    Ok(())
}

/// Given a head that stops in the middle, when its time is over, then the connection is closed.
#[tokio::test]
async fn a_head_that_never_ends_is_given_up() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    for requests_before in [0, 1] {
        let mut connection = TcpStream::connect(program.target().gateway).await?;
        for _ in 0..requests_before {
            ask(&mut connection).await?;
        }
        connection.write_all(b"GET /livez HTTP/1.1\r\nhost: ").await?;
        timeout(PATIENCE, connection.read_to_end(&mut Vec::new())).await??;
    }
    Ok(())
}

/// Given a connection that is always busy, when it is old, then it takes no new requests, and those under way end well.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_ends_when_its_last_request_does() -> anyhow::Result<()> {
    let program = Program::start(&["--max-connection-age", "1s"]).await?;
    let user = program.target().new_user();
    let picture = Picture::of_size(20_000);
    let mut client = http2::connect(program.target().gateway, 65_535).await?;
    let upload = Request::builder()
        .method(Method::POST)
        .uri(program.target().url("/api/images/upload"))
        .header("authorization", format!("Bearer {}", user.token))
        .header("content-type", "image/png")
        .body(())?;
    let (response, mut body) = client.send(upload, false).await?;
    body.send_data(picture.bytes[..10_000].to_vec().into(), false)?;
    let old = async {
        while let Ok(response) = client.get(&program.target().url("/livez")).await {
            ensure!(response.status() == 200);
        }
        Ok(())
    };
    timeout(PATIENCE, old).await??;
    body.send_data(picture.bytes[10_000..].to_vec().into(), true)?;
    let response = timeout(PATIENCE, response).await??;
    ensure!(response.status() == 201, "{}", response.status());
    http2::drain(response.into_body()).await?;
    timeout(PATIENCE, client.ended).await???;
    Ok(())
}
