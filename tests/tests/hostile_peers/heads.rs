//! Invalid HTTP request heads.

use anyhow::ensure;
use http::Request;
use tests::Program;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{MAX_WAIT, http2};

/// Sends these bytes, and returns the status of the response.
async fn status(program: &Program, request: &str) -> anyhow::Result<String> {
    let mut connection = TcpStream::connect(program.target().gateway).await?;
    connection.write_all(request.as_bytes()).await?;
    let mut response = vec![0; 12];
    timeout(MAX_WAIT, connection.read_exact(&mut response)).await??;
    Ok(String::from_utf8_lossy(response.get(9..).unwrap_or_default()).into_owned())
}

/// Given a request head that two parsers may read differently, then it is rejected.
#[tokio::test]
async fn ambiguous_request_heads_are_rejected() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let chunked = "\r\n2\r\n{}\r\n0\r\n\r\n";
    for (head, rest, expected) in [
        ("GET /livez HTTP/1.1\r\nhost: a.example:80\r\n", "\r\n", "200"),
        ("GET /livez HTTP/1.0\r\n", "\r\n", "200"),
        ("GET /livez HTTP/1.1\r\n", "\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nhost: a\r\nhost: a\r\n", "\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nhost: a\r\nHost: b\r\n", "\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nhost: a b\r\n", "\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nhost: user@a\r\n", "\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nhost: a:port\r\n", "\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nhost: a/b\r\n", "\r\n", "400"),
        ("GET /livez HTTP/1.1\r\nhost:\r\n", "\r\n", "400"),
        ("POST /api/annotations HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n", chunked, "401"),
        (
            "POST /api/annotations HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, chunked\r\n",
            chunked,
            "400",
        ),
        (
            "POST /api/annotations HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            chunked,
            "400",
        ),
        ("POST /api/annotations HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n", chunked, "501"),
        ("POST /api/annotations HTTP/1.1\r\nhost: a\r\ntransfer-encoding: x, chunked\r\n", chunked, "501"),
    ] {
        let status = status(&program, &format!("{head}{rest}")).await?;
        ensure!(status == expected, "{head:?}: {status}");
    }
    Ok(())
}

/// Given an HTTP/2 request whose `Host` differs from its authority, then it is rejected; the connection stays open.
#[tokio::test]
async fn a_host_that_differs_from_the_authority_is_rejected() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let mut client = http2::connect(program.target().gateway, 65_535).await?;
    let url = program.target().url("/livez");
    let authority = program.target().gateway.to_string();
    for (hosts, expected) in [
        (&[][..], 200),
        (&[authority.as_str()], 200),
        (&["b.example"], 400),
        (&[authority.as_str(), authority.as_str()], 400),
        (&["a b"], 400),
    ] {
        let request = Request::get(&url);
        let request = hosts.iter().fold(request, |request, host| request.header("host", *host)).body(())?;
        let (response, _) = client.send(request, true).await?;
        let response = timeout(MAX_WAIT, response).await??;
        ensure!(response.status() == expected, "{hosts:?}: {}", response.status());
        http2::drain(response.into_body()).await?;
    }
    Ok(())
}
