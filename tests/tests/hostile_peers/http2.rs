//! HTTP/2 clients whose windows and frames the test controls.

use std::net::SocketAddr;

use anyhow::Context as _;
use bytes::Bytes;
use h2::{
    RecvStream, SendStream,
    client::{Builder, SendRequest},
};
use http::{HeaderMap, Request, Response};
use tokio::{net::TcpStream, task::JoinHandle, time::timeout};

use super::MAX_WAIT;

/// A connection, and the result of its task.
pub(crate) struct Client {
    pub(crate) requests: SendRequest<Bytes>,
    pub(crate) ended: JoinHandle<Result<(), h2::Error>>,
}

/// Connects, with a flow control window of `window` bytes for each stream.
pub(crate) async fn connect(address: SocketAddr, window: u32) -> anyhow::Result<Client> {
    let stream = TcpStream::connect(address).await?;
    let (requests, connection) = Builder::new().initial_window_size(window).handshake(stream).await?;
    Ok(Client { requests, ended: tokio::spawn(connection) })
}

impl Client {
    /// Sends the head of a request. The test sends the body.
    pub(crate) async fn send(
        &mut self,
        request: Request<()>,
        is_whole: bool,
    ) -> anyhow::Result<(h2::client::ResponseFuture, SendStream<Bytes>)> {
        self.requests = self.requests.clone().ready().await?;
        Ok(self.requests.send_request(request, is_whole)?)
    }

    /// The response to a request without a body.
    pub(crate) async fn get(&mut self, url: &str) -> anyhow::Result<Response<RecvStream>> {
        let (response, _) = self.send(Request::get(url).body(())?, true).await?;
        timeout(MAX_WAIT, response).await?.context("no response")
    }

    /// Starts a gRPC call by sending its head only.
    pub(crate) async fn call(
        &mut self,
        url: &str,
        token: Option<&str>,
    ) -> anyhow::Result<(h2::client::ResponseFuture, SendStream<Bytes>)> {
        let mut request =
            Request::post(url).header("content-type", "application/grpc").header("te", "trailers");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(())?, false).await
    }
}

/// The `grpc-status` of a response, from the head or the trailers.
pub(crate) async fn grpc_status(response: Response<RecvStream>) -> anyhow::Result<String> {
    let status = |headers: &HeaderMap| {
        headers.get("grpc-status").and_then(|status| status.to_str().ok()).map(str::to_owned)
    };
    if let Some(status) = status(response.headers()) {
        return Ok(status);
    }
    let mut body = response.into_body();
    while let Some(data) = body.data().await {
        let length = data?.len();
        body.flow_control().release_capacity(length)?;
    }
    body.trailers().await?.as_ref().and_then(status).context("no grpc-status")
}

/// Reads a body to its end, and returns its size in bytes.
pub(crate) async fn drain(mut body: RecvStream) -> Result<usize, h2::Error> {
    let mut length = 0;
    while let Some(data) = body.data().await {
        let bytes = data?.len();
        body.flow_control().release_capacity(bytes)?;
        length += bytes;
    }
    Ok(length)
}

/// Waits for the end of a body, without giving its sender any window.
pub(crate) async fn drain_without_window(mut body: RecvStream) -> Result<(), h2::Error> {
    while let Some(data) = body.data().await {
        data?;
    }
    Ok(())
}
