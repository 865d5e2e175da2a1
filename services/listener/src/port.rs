//! Ports: accepts connections and hands each to a task of its own.

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
    connections::{Full, Place},
    seldom::Seldom,
};

/// How long to wait when the system has no connection to give: most often no file descriptor is left, and those in use
/// come back.
const RETRY_ACCEPT: Duration = Duration::from_millis(50);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A port that is bound and not served yet.
#[derive(Debug)]
pub struct Port {
    name: &'static str,
    listener: TcpListener,
    address: SocketAddr,
}

impl Port {
    /// Binds `address`; `name` is what the log calls the port.
    ///
    /// # Errors
    /// The system does not give the address.
    pub async fn bind(name: &'static str, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        tracing::info!(%address, "{name} listens on {address}");
        Ok(Self { name, listener, address })
    }

    /// Where it is bound: the real port where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves every connection with a clone of `service` until `stopping` resolves and the last connection has ended. Each
    /// request has its [`crate::ClientAddress`] as an extension.
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
        let admit = |address: IpAddr| {
            if trust.is_proxy(address) {
                connections.admit_proxy(address)
            } else {
                connections.admit(address)
            }
        };
        let start = |stream: TcpStream, address: IpAddr, place: Place| {
            let peer = Peer { address, trust: Arc::clone(&trust) };
            let connection = connection::serve(stream, service.clone(), limits, peer, closing.clone());
            tasks.spawn(async move {
                connection.await;
                drop(place);
            });
        };
        let (refused, failed) = (Seldom::default(), Seldom::default());
        tokio::pin!(stopping);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stopping => break,
            };
            match accepted {
                Ok((stream, peer)) => match admit(peer.ip()) {
                    Ok(place) => start(stream, peer.ip(), place),
                    Err(full) => self.log_refused(full, peer, &refused),
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
        // Closing the port would reset these, though their requests may have come.
        for (stream, peer) in waiting(self.listener) {
            if let Ok(place) = admit(peer.ip()) {
                start(stream, peer.ip(), place);
            }
        }
        tasks.close();
        tasks.wait().await;
    }

    fn log_refused(&self, full: Full, peer: SocketAddr, refused: &Seldom) {
        let Some(count) = refused.count() else { return };
        let limit = match full {
            Full::Address => "this address has as many as --max-connections-per-address allows",
            Full::Total => "there are as many as --max-connections allows",
        };
        tracing::warn!(%peer, count, port = self.name, "a connection was closed at once: {limit}");
    }
}

/// The connections that the kernel has made for `listener` and nobody has taken yet.
fn waiting(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let listener = listener.into_std().ok();
    std::iter::from_fn(move || {
        let (stream, peer) = listener.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    })
}
