//! The gRPC services behind the gateway.

use std::{collections::HashMap, fmt};

use bytes::Bytes;
use http::{Request, Response};
use tonic::body::Body;
use tower::{BoxError, Service, ServiceExt as _, util::BoxCloneSyncService};

/// A connection to one gRPC service: an HTTP/2 channel, a server in the same process, or gRPC-web over any HTTP client.
pub(crate) type Upstream = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

/// The services behind a gateway, by their full names.
///
/// Every service of the descriptor set must be registered. A host may register others, such as `grpc.health.v1.Health`.
/// Those are reachable over gRPC and gRPC-web only, and need no token.
#[derive(Clone, Default)]
pub struct Upstreams(HashMap<String, Upstream>);

impl Upstreams {
    /// No services yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers `service` for calls of the service with this full name, such as `reticle.images.v1.ImagesService`.
    #[must_use]
    pub fn with<S, B>(mut self, full_name: &str, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let service =
            service.map_response(|response: Response<B>| response.map(Body::new)).map_err(Into::into);
        self.0.insert(full_name.to_owned(), BoxCloneSyncService::new(service));
        self
    }

    pub(crate) fn get(&self, full_name: &str) -> Option<&Upstream> {
        self.0.get(full_name)
    }

    pub(crate) fn contains(&self, full_name: &str) -> bool {
        self.0.contains_key(full_name)
    }
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
