//! Ports: accept connections and serve each in its own task.

use std::{
    convert::Infallible,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use crate::{
    Connections, Limits, RequestBody, Trust,
    connection::{self, Peer},
    connections::{LimitReached, Slot},
    log_throttle::LogThrottle,
};

/// The wait after an error of `accept`. The usual cause is that no file descriptor is free, and closing connections frees
/// some.
const RETRY_ACCEPT: Duration = Duration::from_millis(50);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A port that is bound, but not served yet.
#[derive(Debug)]
pub struct Port {
    name: &'static str,
    listener: TcpListener,
    address: SocketAddr,
}

impl Port {
    /// Binds `address`; `name` is the name of the port in the log.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn bind(name: &'static str, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        tracing::info!(%address, "{name} listens on {address}");
        Ok(Self { name, listener, address })
    }

    /// The bound address, with the actual port if port 0 was requested.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves every connection with a clone of `service` until `stopping` resolves and the last connection has ended. Each
    /// request has a [`crate::ClientAddress`] extension.
    pub async fn serve<S, B>(
        self,
        service: S,
        limits: Limits,
        connections: Connections,
        trust: Trust,
        stopping: impl Future<Output = ()> + Send,
    ) where
        S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let tasks = TaskTracker::new();
        let closing = CancellationToken::new();
        let trust = Arc::new(trust);
        let acquire = |address: IpAddr| {
            if trust.is_proxy(address) {
                connections.acquire_for_proxy(address)
            } else {
                connections.acquire(address)
            }
        };
        let start = |stream: TcpStream, address: IpAddr, slot: Slot| {
            let peer = Peer { address, trust: Arc::clone(&trust) };
            let connection = connection::serve(stream, service.clone(), limits, peer, closing.clone());
            tasks.spawn(async move {
                connection.await;
                drop(slot);
            });
        };
        let (rejected, failed) = (LogThrottle::default(), LogThrottle::default());
        tokio::pin!(stopping);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stopping => break,
            };
            match accepted {
                Ok((stream, peer)) => match acquire(peer.ip()) {
                    Ok(slot) => start(stream, peer.ip(), slot),
                    Err(reason) => self.log_rejected(reason, peer, &rejected),
                },
                Err(error) => {
                    if let Some(count) = failed.count() {
                        tracing::warn!(%error, count, port = self.name, "cannot accept a connection");
                    }
                    tokio::time::sleep(RETRY_ACCEPT).await;
                }
            }
        }
        closing.cancel();
        // Closing the port would reset these connections, although their requests may have arrived.
        for (stream, peer) in pending_connections(self.listener) {
            if let Ok(slot) = acquire(peer.ip()) {
                start(stream, peer.ip(), slot);
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    fn log_rejected(&self, reason: LimitReached, peer: SocketAddr, rejected: &LogThrottle) {
        let Some(count) = rejected.count() else { return };
        let limit = match reason {
            LimitReached::Address => "its address has reached --max-connections-per-address",
            LimitReached::Total => {
                "of --max-connections none is free, or only those reserved for addresses with few"
            }
        };
        tracing::warn!(%peer, count, port = self.name, "connection rejected: {limit}");
    }
}

/// The connections that the kernel has established for `listener` and that are not accepted yet.
fn pending_connections(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let listener = listener.into_std().ok();
    std::iter::from_fn(move || {
        let (stream, peer) = listener.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    })
}
