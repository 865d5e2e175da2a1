//! The ports of the process, which share their limits.

use std::{convert::Infallible, net::SocketAddr};

use anyhow::Context as _;
use gateway_core::DiscardUnread;
use grpc_web::GrpcWeb;
use http::{Request, Response};
use hyper::body::Bytes;
use listener::{Connections, Limits, Port, RequestBody, Trust};
use storage_native::TokioTimer;
use tower::Service;

use crate::{grpc_port::Calls, shutdown::Lifetime};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The limits and the lifetime that all ports of the process share.
pub(crate) struct Ports {
    limits: Limits,
    connections: Connections,
    lifetime: Lifetime,
}

impl Ports {
    /// Ports with these limits, which are served until the process stops.
    pub(crate) fn new(limits: Limits, lifetime: &Lifetime) -> Self {
        Self { limits, connections: Connections::new(&limits), lifetime: lifetime.clone() }
    }

    /// Binds `address`; `setting` is the flag for the error message.
    pub(crate) async fn bind(
        &self,
        name: &'static str,
        setting: &str,
        address: SocketAddr,
    ) -> anyhow::Result<Port> {
        Port::bind(name, address).await.with_context(|| format!("{setting}: cannot listen on {address}"))
    }

    /// Serves `port` with the calls of a service, by gRPC and gRPC-web, until the process stops.
    pub(crate) fn serve_grpc(&self, port: Port, calls: Calls) {
        self.serve(port, Trust::Everyone, DiscardUnread::new(GrpcWeb::new(calls), TokioTimer));
    }

    /// Serves `port` with `service` until the process stops; `trust` defines whose `X-Forwarded-…` headers are trusted.
    pub(crate) fn serve<S, B>(&self, port: Port, trust: Trust, service: S)
    where
        S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let serve =
            port.serve(service, self.limits, self.connections.clone(), trust, self.lifetime.stopping());
        self.lifetime.run(serve);
    }
}
