//! A way to a part of Reticle, by TLS at will, that breaks when a test says so.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::TlsAcceptor;

/// Passes connections on to another address, until they break; all end when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    faults: watch::Sender<Fault>,
    serving: JoinHandle<()>,
}

/// What happens to the connections that there are.
#[derive(Clone, Copy)]
enum Fault {
    Cut,
    Freeze,
}

impl Proxy {
    /// A proxy of `upstream`.
    ///
    /// # Errors
    /// No port is free.
    pub async fn start(upstream: SocketAddr) -> anyhow::Result<Self> {
        Self::start_by(upstream, None).await
    }

    /// A proxy of `upstream` that takes TLS and passes on what is in it.
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

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection, in the middle of whatever is on it: both ends see it end. New ones are as good as ever.
    pub fn cut(&self) {
        self.faults.send_replace(Fault::Cut);
    }

    /// From now on the connections that there are carry nothing, and stay open at both ends, as if a host had lost its
    /// power. New ones are as good as ever.
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
                None => carry(near, to, fault).await,
                Some(tls) => {
                    // Who does not trust the certificate ends it here.
                    if let Ok(near) = tls.accept(near).await {
                        carry(near, to, fault).await;
                    }
                }
            }
        });
    }
}

async fn carry(
    mut near: impl AsyncRead + AsyncWrite + Unpin,
    to: SocketAddr,
    mut fault: watch::Receiver<Fault>,
) {
    let Ok(mut far) = TcpStream::connect(to).await else { return };
    tokio::select! {
        biased;
        // Its sender is there as long as its connections are.
        _ = fault.changed() => {
            let fault = *fault.borrow();
            if let Fault::Freeze = fault {
                std::future::pending::<()>().await;
            }
        }
        // Whichever end fails, the other one sees its connection end.
        _ = copy_bidirectional(&mut near, &mut far) => {}
    }
}
