//! The service that a host serves: everything that holds for every request, whatever its protocol.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use grpc_web::GrpcWeb;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{CONTENT_LENGTH, ORIGIN},
};
use http_body::Body as _;
use storage::{Clock, Entropy, Instant, Timer};
use tonic::body::Body;
use tower::Service;
use tracing::{Instrument as _, Span, field::Empty};

use crate::{
    ClientAddress, Config, Ports, StartError, Upstreams,
    answer::{self, Problems},
    contract::Contract,
    cors::Cors,
    discard::{Bounds, Leftover},
    error::Error,
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
    pub(crate) shared: Arc<Shared>,
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

impl Gateway {
    /// Answers a request that its host refuses, because its sender sends too many: they may try again after `retry_after`.
    pub async fn too_many_requests<B>(&self, request: Request<B>, retry_after: Duration) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let request = request.map(Body::new);
        let exchange = Exchange::begin(&request, &*self.shared.host);
        let span = span(&request, &exchange);
        let shared = Arc::clone(&self.shared);
        shared.answer(request, exchange, Some(Refusal { retry_after })).instrument(span).await
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
        let span = span(&request, &exchange);
        Box::pin(async move { Ok(shared.answer(request, exchange, None).await) }.instrument(span))
    }
}

/// What the log says of a request in every line about it.
pub(crate) fn span<B>(request: &Request<B>, exchange: &Exchange) -> Span {
    let client = request.extensions().get().map(|ClientAddress(address)| tracing::field::display(*address));
    tracing::info_span!(
        "request",
        request_id = exchange.id(),
        trace_id = exchange.trace_id(),
        client,
        method = %request.method(),
        route = Empty,
        caller = Empty,
        auth_error = Empty,
        grpc_status = Empty,
    )
}

/// What of a request is needed once more when its answer is there.
pub(crate) struct Visit {
    started: Instant,
    origin: Option<HeaderValue>,
}

impl Visit {
    pub(crate) fn begin<B>(request: &Request<B>, host: &dyn Host) -> Self {
        Self { started: host.instant(), origin: request.headers().get(ORIGIN).cloned() }
    }

    /// Gives the answer what every answer has, and logs it.
    pub(crate) fn end(
        self,
        shared: &Shared,
        exchange: &Exchange,
        status: StatusCode,
        headers: &mut HeaderMap,
    ) {
        headers.insert(X_REQUEST_ID, exchange.request_id.clone());
        shared.cors.mark(self.origin.as_ref(), headers);
        let duration_ms = shared.host.instant().since(self.started).as_millis();
        tracing::info!(target: "access", status = status.as_u16(), duration_ms, "answered");
    }
}

impl Shared {
    async fn answer(
        self: Arc<Self>,
        request: Request<Body>,
        exchange: Exchange,
        refusal: Option<Refusal>,
    ) -> Response<Body> {
        let visit = Visit::begin(&request, &*self.host);
        let method = request.method().clone();
        let is_native_grpc = grpc::is_call(&request);
        let mut response = if Cors::is_preflight(&request) {
            let mut response = answer::empty(StatusCode::NO_CONTENT);
            self.cors.permit(response.headers_mut());
            response
        } else {
            let (request, leftover) = Leftover::watch(request);
            let dispatch = Dispatch { shared: Arc::clone(&self), exchange: exchange.clone(), refusal };
            let Ok(response) = GrpcWeb::new(dispatch).call(request).await;
            if let Some(leftover) = leftover.filter(|_| response.status().as_u16() >= 400) {
                let Config { max_discarded_bytes: bytes, idle_timeout: time, .. } = self.config;
                leftover.discard(Bounds { bytes, time }, |duration| self.host.sleep(duration)).await;
            }
            response
        };
        if !is_native_grpc {
            secure::mark(response.headers_mut(), exchange.is_https());
        }
        if method == Method::HEAD {
            response = without_body(response);
        }
        visit.end(&self, &exchange, response.status(), response.headers_mut());
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
struct Dispatch {
    shared: Arc<Shared>,
    exchange: Exchange,
    refusal: Option<Refusal>,
}

/// That a host refuses a request, whatever it asks for.
#[derive(Clone, Copy)]
struct Refusal {
    retry_after: Duration,
}

impl Service<Request<Body>> for Dispatch {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { shared, exchange, refusal } = self.clone();
        Box::pin(async move {
            let error = refusal.map(|Refusal { retry_after }| Error::TooManyRequests { retry_after });
            Ok(match (error, grpc::is_call(&request)) {
                (None, true) => grpc::answer(&shared, &exchange, request).await,
                (None, false) => http_api::answer(&shared, &exchange, request).await,
                (Some(error), true) => grpc::trailers_only(&error.into()),
                (Some(error), false) => {
                    Problems { schemas: &shared.schemas, request_id: exchange.id() }.answer(error, None)
                }
            })
        })
    }
}
