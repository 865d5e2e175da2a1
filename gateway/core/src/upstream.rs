//! The gRPC services behind the gateway.

use std::{collections::HashMap, fmt};

use bytes::Bytes;
use http::{Request, Response};
use tonic::body::Body;
use tower::{BoxError, Service, ServiceExt as _, util::BoxCloneSyncService};

/// One gRPC service: an HTTP/2 channel, a server in the same process, or gRPC-web over any HTTP call.
pub(crate) type Upstream = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

/// The services by their full names.
///
/// Those of the descriptor set must all be there. Others may: `grpc.health.v1.Health`, say, which is then reached over
/// gRPC and gRPC-web, needs no token and has no HTTP binding.
#[derive(Clone, Default)]
pub struct Upstreams(HashMap<String, Upstream>);

impl Upstreams {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls of the service with this full name, as in `reticle.images.v1.ImagesService`, go to `service`.
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
