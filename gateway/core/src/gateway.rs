//! The service that a host serves: everything that holds for every request, whatever its protocol.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use grpc_web::GrpcWeb;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CONTENT_LENGTH, ORIGIN},
};
use http_body::Body as _;
use storage::{Clock, Entropy};
use tonic::body::Body;
use tower::Service;
use tracing::{Instrument as _, field::Empty};

use crate::{
    Config, Ports, StartError, Timer, Upstreams, answer,
    contract::Contract,
    cors::Cors,
    discard::Leftover,
    exchange::{Exchange, X_REQUEST_ID},
    grpc, http_api,
    json::Schemas,
    own_pages::OwnPages,
    ports::Host,
    secure,
    shared::Shared,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The gateway, as a tower service that never fails: every failure is an answer. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    shared: Arc<Shared>,
}

impl Gateway {
    /// A gateway to the services in `descriptor_set` (a serialized `FileDescriptorSet` with its imports and options).
    ///
    /// # Errors
    /// [`StartError`] if the descriptors cannot be served, or a service of theirs is not among the `upstreams`.
    pub fn new<C: Clock, E: Entropy, T: Timer>(
        config: Config,
        descriptor_set: &[u8],
        upstreams: Upstreams,
        ports: Ports<C, E, T>,
    ) -> Result<Self, StartError> {
        let contract = Contract::decode(descriptor_set)?;
        let missing = contract.methods().iter().find(|m| !upstreams.contains(&m.service.full_name));
        if let Some(method) = missing {
            return Err(StartError::UpstreamMissing(method.service.full_name.clone()));
        }
        let schemas = Schemas::new(contract.pool());
        let cors = Cors::new(config.allowed_origins.clone(), &config.forwarded_headers);
        let own_pages = OwnPages::new(&config, &contract);
        let host: Arc<dyn Host> = Arc::new(ports);
        Ok(Self { shared: Arc::new(Shared { config, contract, schemas, upstreams, host, own_pages, cors }) })
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("upstreams", &self.shared.upstreams).finish_non_exhaustive()
    }
}

impl<B> Service<Request<B>> for Gateway
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Response<Body>, Infallible>>;

    /// Always ready: what is too much is refused, not kept waiting.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let request = request.map(Body::new);
        let exchange = Exchange::begin(&request, &*shared.host);
        let span = tracing::info_span!(
            "request",
            request_id = exchange.id(),
            trace_id = exchange.trace_id(),
            method = %request.method(),
            route = Empty,
            caller = Empty,
            grpc_status = Empty,
        );
        Box::pin(async move { Ok(shared.answer(request, exchange).await) }.instrument(span))
    }
}

impl Shared {
    async fn answer(self: Arc<Self>, mut request: Request<Body>, exchange: Exchange) -> Response<Body> {
        let started = self.host.now();
        let method = request.method().clone();
        let origin = request.headers().get(ORIGIN).cloned();
        let is_native_grpc = grpc::is_call(&request);
        let mut response = if Cors::is_preflight(&request) {
            let mut response = answer::empty(StatusCode::NO_CONTENT);
            self.cors.permit(response.headers_mut());
            response
        } else {
            request.extensions_mut().insert(exchange.clone());
            let (request, leftover) = Leftover::watch(request);
            let Ok(response) = GrpcWeb::new(Dispatch(Arc::clone(&self))).call(request).await;
            if let Some(leftover) = leftover.filter(|_| response.status().as_u16() >= 400) {
                leftover.discard(&self).await;
            }
            response
        };
        let headers = response.headers_mut();
        headers.insert(X_REQUEST_ID, exchange.request_id.clone());
        self.cors.mark(origin.as_ref(), headers);
        if !is_native_grpc {
            secure::mark(headers, exchange.is_https());
        }
        if method == Method::HEAD {
            response = without_body(response);
        }
        let duration_ms = self.host.now().as_millis() - started.as_millis();
        tracing::info!(status = response.status().as_u16(), duration_ms, "answered");
        response
    }
}

/// The answer to HEAD: what GET would say, without its body.
fn without_body(mut response: Response<Body>) -> Response<Body> {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    response.map(|_| Body::empty())
}

/// Native gRPC to the services, all else to HTTP. gRPC-web has become native gRPC ahead of it, so that whatever is
/// answered here reaches the client in its own protocol.
#[derive(Clone)]
struct Dispatch(Arc<Shared>);

impl Service<Request<Body>> for Dispatch {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        let exchange = request.extensions().get::<Exchange>().cloned();
        let exchange = exchange.unwrap_or_else(|| Exchange::begin(&request, &*shared.host));
        Box::pin(async move {
            Ok(if grpc::is_call(&request) {
                grpc::answer(&shared, &exchange, request).await
            } else {
                http_api::answer(&shared, &exchange, request).await
            })
        })
    }
}
