//! Ports: accepts connections and serves HTTP/1.1 and HTTP/2 on each, within named bounds.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};
use tower::Service;
use tower_http::timeout::RequestBodyTimeout;

use crate::{opening::Opening, shutdown::Lifetime};

/// The most connections that one port keeps open; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 10_000;
/// How long a client may take to send a request's headers, and to begin with the first.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a request's body may stand still before the request fails. The gateway has a shorter bound of its own, and
/// a status for it; this one is for calls of the services, and for bodies that nobody reads.
const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes that HTTP/1 reads ahead of a handler.
const HTTP1_BUFFER: usize = 64 * 1024;
/// Bytes of one HTTP/2 stream, and of all streams of a connection, that may be in flight ahead of the handlers.
const HTTP2_STREAM_WINDOW: u32 = 256 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Requests that one HTTP/2 connection may have under way.
const HTTP2_STREAMS: u32 = 200;
/// How long a connection is still read once the process stops: a request that was sent by then is answered.
const LAST_LOOK: Duration = Duration::from_millis(50);
/// An HTTP/2 peer that answers no ping for this long is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// A port that is bound and not served yet.
pub(crate) struct Port {
    name: &'static str,
    listener: TcpListener,
    /// Where it is bound: the real port where the setting said 0.
    pub(crate) address: SocketAddr,
}

impl Port {
    /// Binds `address`; `setting` is the flag that an error names.
    pub(crate) async fn bind(name: &'static str, setting: &str, address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("{setting}: cannot listen on {address}"))?;
        let address = listener.local_addr().with_context(|| format!("{setting}: no local address"))?;
        tracing::info!(%address, "{name} listens on {address}");
        Ok(Self { name, listener, address })
    }

    /// Serves every connection with a clone of `service` until the process stops.
    pub(crate) fn serve<S, B>(self, service: S, lifetime: &Lifetime)
    where
        S: Service<Request<RequestBodyTimeoutBody>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data = hyper::body::Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        let service = RequestBodyTimeout::new(service, BODY_IDLE_TIMEOUT);
        let lifetime = lifetime.clone();
        lifetime.clone().run(async move {
            let start = |stream, place| {
                let connection = serve_connection(stream, service.clone(), lifetime.stopping());
                lifetime.run(async move {
                    connection.await;
                    drop(place);
                });
            };
            let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
            let stopping = lifetime.stopping();
            tokio::pin!(stopping);
            loop {
                let accept = async {
                    let place = room.clone().acquire_owned().await;
                    (self.listener.accept().await, place)
                };
                let (accepted, place) = tokio::select! {
                    accepted = accept => accepted,
                    () = &mut stopping => break,
                };
                match accepted {
                    Ok((stream, _)) => start(stream, place.ok()),
                    // Most often no file descriptor is left: those in use come back.
                    Err(error) => {
                        tracing::warn!(%error, port = self.name, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
            // Closing the port would reset these, though their requests may have come.
            for stream in waiting(self.listener) {
                start(stream, room.clone().try_acquire_owned().ok());
            }
        });
    }
}

/// The connections that the kernel has made for `listener` and nobody has taken yet.
fn waiting(listener: TcpListener) -> impl Iterator<Item = TcpStream> {
    let listener = listener.into_std().ok();
    std::iter::from_fn(move || {
        let (stream, _) = listener.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        TcpStream::from_std(stream).ok()
    })
}

/// A request body whose sender may not stand still.
pub(crate) type RequestBodyTimeoutBody = tower_http::timeout::TimeoutBody<Incoming>;

async fn serve_connection<S, B>(stream: TcpStream, service: S, stopping: impl Future<Output = ()>)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = hyper::body::Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HTTP1_BUFFER);
    server
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .max_concurrent_streams(HTTP2_STREAMS)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    let stream = TokioIo::new(Opening::new(stream, HEADER_TIMEOUT));
    let connection = server.serve_connection(stream, TowerToHyperService::new(service));
    tokio::pin!(connection);
    let told_to_stop = async {
        stopping.await;
        tokio::time::sleep(LAST_LOOK).await;
    };
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = told_to_stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke off");
    }
}
