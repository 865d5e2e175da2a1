//! A TCP proxy in front of a part of Reticle, optionally with TLS. Tests use it to break connections.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// Forwards connections to another address. All connections end when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    faults: watch::Sender<Fault>,
    serving: JoinHandle<()>,
}

/// What happens to the open connections.
#[derive(Clone, Copy)]
enum Fault {
    Cut,
    Freeze,
}

impl Proxy {
    /// Starts a proxy of `upstream`.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(upstream: SocketAddr) -> anyhow::Result<Self> {
        Self::start_by(upstream, None).await
    }

    /// Starts a proxy of `upstream` that terminates TLS and forwards plain TCP.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start_tls(upstream: SocketAddr, tls: TlsAcceptor) -> anyhow::Result<Self> {
        Self::start_by(upstream, Some(tls)).await
    }

    async fn start_by(upstream: SocketAddr, tls: Option<TlsAcceptor>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, faults) = (listener.local_addr()?, watch::Sender::new(Fault::Cut));
        let serving = tokio::spawn(serve(listener, upstream, tls, faults.clone()));
        Ok(Self { address, faults, serving })
    }

    /// The address of the proxy.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every open connection at both ends, also in the middle of a request. New connections work.
    pub fn cut(&self) {
        self.faults.send_replace(Fault::Cut);
    }

    /// Stops forwarding on every open connection, but keeps it open at both ends, as if a host had lost its power. New
    /// connections work.
    pub fn freeze(&self) {
        self.faults.send_replace(Fault::Freeze);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    listener: TcpListener,
    to: SocketAddr,
    tls: Option<TlsAcceptor>,
    faults: watch::Sender<Fault>,
) {
    let mut connections = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let (tls, fault) = (tls.clone(), faults.subscribe());
        connections.spawn(async move {
            match tls {
                None => forward(near, to, fault).await,
                Some(tls) => {
                    // A client that does not trust the certificate ends the connection here.
                    if let Ok(near) = tls.accept(near).await {
                        forward(near, to, fault).await;
                    }
                }
            }
        });
    }
}

async fn forward(
    mut near: impl AsyncRead + AsyncWrite + Unpin,
    to: SocketAddr,
    mut fault: watch::Receiver<Fault>,
) {
    let Ok(mut far) = TcpStream::connect(to).await else { return };
    tokio::select! {
        biased;
        // The sender lives as long as the connections.
        _ = fault.changed() => {
            let fault = *fault.borrow();
            if let Fault::Freeze = fault {
                std::future::pending::<()>().await;
            }
        }
        // If one end fails, the other end's connection is closed too.
        _ = copy_bidirectional(&mut near, &mut far) => {}
    }
}
