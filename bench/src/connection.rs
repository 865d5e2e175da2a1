//! A client that uses little processor time, since it shares the processors with the measured program. It builds each
//! request once, and checks only the status of responses.

use std::{net::SocketAddr, pin::Pin};

use anyhow::{Context as _, bail, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Body as _, Bytes, Incoming},
    client::conn::{http1, http2},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, TE},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tests::User;
use tokio::{net::TcpStream, sync::Mutex};

const GRPC_STATUS: &str = "grpc-status";

/// A request that this client can send many times.
pub(crate) type Prepared = Request<Full<Bytes>>;

/// An HTTP/1.1 connection. Calls on it run one after the other.
pub(crate) struct Http1(Mutex<http1::SendRequest<Full<Bytes>>>);

impl Http1 {
    /// Opens one connection to `address` for each caller.
    pub(crate) async fn connect(address: SocketAddr, callers: usize) -> anyhow::Result<Vec<Self>> {
        let mut connections = Vec::with_capacity(callers);
        for _ in 0..callers {
            let (sender, connection) = http1::handshake(stream(address).await?).await?;
            tokio::spawn(connection);
            connections.push(Self(Mutex::new(sender)));
        }
        Ok(connections)
    }

    /// Sends `request` and reads the whole response, which must have `status`. Returns the size of its body in bytes.
    pub(crate) async fn call(&self, request: &Prepared, status: StatusCode) -> anyhow::Result<usize> {
        let mut sender = self.0.lock().await;
        sender.ready().await?;
        let response = sender.send_request(request.clone()).await?;
        read(response, status).await
    }
}

/// An HTTP/2 connection that all callers share.
#[derive(Clone)]
pub(crate) struct Http2(http2::SendRequest<Full<Bytes>>);

impl Http2 {
    /// Connects to `address`.
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), stream(address).await?).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// Sends `request` and reads the whole response, which must have `status`. A gRPC response must be OK.
    pub(crate) async fn call(&self, request: &Prepared, status: StatusCode) -> anyhow::Result<usize> {
        let response = self.0.clone().send_request(request.clone()).await?;
        read(response, status).await
    }
}

/// A GET request of `user` to the gateway.
pub(crate) fn get(user: &User, path: &str) -> anyhow::Result<Prepared> {
    http(user, "GET", path, "application/json", Bytes::new())
}

/// A POST request of `user` to the gateway.
pub(crate) fn post(user: &User, path: &str, content_type: &str, body: Bytes) -> anyhow::Result<Prepared> {
    http(user, "POST", path, content_type, body)
}

fn http(user: &User, method: &str, path: &str, content_type: &str, body: Bytes) -> anyhow::Result<Prepared> {
    let request = Request::builder()
        .method(method)
        .uri(user.target.url(path))
        .header(HOST, user.target.gateway.to_string())
        .header(AUTHORIZATION, format!("Bearer {}", user.token))
        .header(CONTENT_TYPE, content_type);
    request.body(Full::new(body)).context("the request is invalid")
}

/// A unary gRPC call of `user`, with the encoded message.
pub(crate) fn grpc(user: &User, address: SocketAddr, path: &str, message: &[u8]) -> anyhow::Result<Prepared> {
    let mut body = vec![0];
    body.extend(u32::try_from(message.len())?.to_be_bytes());
    body.extend(message);
    let request = Request::builder()
        .method("POST")
        .uri(format!("http://{address}{path}"))
        .header(AUTHORIZATION, format!("Bearer {}", user.token))
        .header(TE, "trailers")
        .header(CONTENT_TYPE, "application/grpc");
    request.body(Full::new(body.into())).context("the request is invalid")
}

async fn stream(address: SocketAddr) -> anyhow::Result<TokioIo<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(TokioIo::new(stream))
}

/// Reads a response to its end, and returns the size of its body in bytes.
async fn read(response: Response<Incoming>, status: StatusCode) -> anyhow::Result<usize> {
    let (head, mut body) = response.into_parts();
    if head.status != status {
        let body = body.collect().await?.to_bytes();
        bail!("{}: {}", head.status, String::from_utf8_lossy(&body));
    }
    ensure!(!head.headers.contains_key(GRPC_STATUS), "the call was rejected: {:?}", head.headers);
    let mut size = 0;
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        match frame?.into_data() {
            Ok(data) => size += data.len(),
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                ensure!(
                    trailers.get(GRPC_STATUS).is_none_or(|status| status == "0"),
                    "the call failed: {trailers:?}"
                );
            }
        }
    }
    Ok(size)
}
