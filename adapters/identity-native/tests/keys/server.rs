//! An HTTP server on the loopback address with a configurable response.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use http::{Response, StatusCode, header::LOCATION};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinHandle};

/// How the server responds to every request.
#[derive(Clone)]
pub(crate) enum Reply {
    Document(String),
    Status(StatusCode),
    RedirectToItself,
    Never,
}

/// A running server; it stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    reply: Arc<Mutex<Reply>>,
    requests: Arc<AtomicU32>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(reply: Reply) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), reply).await
    }

    pub(crate) async fn start_at(address: SocketAddr, reply: Reply) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (reply, requests) = (Arc::new(Mutex::new(reply)), Arc::default());
        let accepting = spawn(accept(listener, Arc::clone(&reply), Arc::clone(&requests)));
        Self { address, reply, requests, accepting }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/jwks.json", self.address)
    }

    pub(crate) fn set_reply(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    pub(crate) fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[expect(clippy::disallowed_methods, reason = "the runtime of the test ends the task")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(task)
}

async fn accept(listener: TcpListener, reply: Arc<Mutex<Reply>>, requests: Arc<AtomicU32>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (reply, requests) = (Arc::clone(&reply), Arc::clone(&requests));
        let service = service_fn(move |_| {
            requests.fetch_add(1, Ordering::Relaxed);
            respond(reply.lock().unwrap().clone())
        });
        spawn(async move {
            // A client may close the connection at any time.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn respond(reply: Reply) -> Result<Response<Full<Bytes>>, Infallible> {
    let response = Response::builder();
    let response = match reply {
        Reply::Document(text) => response.body(Full::from(text)),
        Reply::Status(status) => response.status(status).body(Full::from("no")),
        Reply::RedirectToItself => response.status(302).header(LOCATION, "/jwks.json").body(Full::default()),
        Reply::Never => std::future::pending().await,
    };
    Ok(response.unwrap())
}
