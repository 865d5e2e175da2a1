//! The service that a host serves, with everything that applies to every request in any protocol.

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
use runtime::{Clock, Entropy, Instant, Timer};
use tonic::body::Body;
use tower::Service;
use tracing::{Instrument as _, Span, field::Empty};
use transcoding::contract::Contract;

use crate::{
    ClientAddress, Config, Ports, StartError, Upstreams,
    cors::Cors,
    discard::UnreadBody,
    error::Error,
    exchange::{Exchange, X_REQUEST_ID},
    grpc, http_api,
    own_pages::OwnPages,
    ports::Host,
    response::{self, ErrorEncoder},
    secure,
    shared::Shared,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The gateway as a tower service. It never returns an error: every failure becomes a response. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) shared: Arc<Shared>,
}

impl Gateway {
    /// A gateway to the services in `descriptor_set` (a serialized `FileDescriptorSet` with its imports and options).
    ///
    /// # Errors
    /// [`StartError`] if the descriptors cannot be served, or one of their services is not among the `upstreams`.
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
        let cors = Cors::new(config.allowed_origins.clone());
        let own_pages = OwnPages::new(&config, &contract);
        let host: Arc<dyn Host> = Arc::new(ports);
        Ok(Self { shared: Arc::new(Shared { config, contract, upstreams, host, own_pages, cors }) })
    }
}

impl Gateway {
    /// Rejects a request because its host limits the rate of its sender: 429, or `RESOURCE_EXHAUSTED` in gRPC. The sender
    /// may retry after `retry_after`.
    pub async fn too_many_requests<B>(&self, request: Request<B>, retry_after: Duration) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let request = request.map(Body::new);
        let exchange = Exchange::begin(&request, &*self.shared.host);
        let span = span(&request, &exchange);
        let shared = Arc::clone(&self.shared);
        shared.handle(request, exchange, Some(RateLimited { retry_after })).instrument(span).await
    }
}

impl Gateway {
    /// Reads and discards the body of a request that was rejected unread, up to [`Config::max_discarded_bytes`]. A host
    /// does this before it sends a response of [`Gateway::relay`]; in other responses it is done already.
    pub async fn discard_body<B>(&self, request: Request<B>)
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if let (_, Some(unread)) = UnreadBody::track(request.map(Body::new)) {
            self.shared.discard(unread).await;
        }
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

    /// Always ready: excess requests are rejected and do not wait.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let request = request.map(Body::new);
        let exchange = Exchange::begin(&request, &*shared.host);
        let span = span(&request, &exchange);
        Box::pin(async move { Ok(shared.handle(request, exchange, None).await) }.instrument(span))
    }
}

/// The span of a request: its fields are in every log line about the request.
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

/// A request that has no response yet, with what the response needs from it.
pub(crate) struct InFlight {
    started: Instant,
    origin: Option<HeaderValue>,
}

impl InFlight {
    pub(crate) fn begin<B>(request: &Request<B>, host: &dyn Host) -> Self {
        Self { started: host.instant(), origin: request.headers().get(ORIGIN).cloned() }
    }

    /// Adds the headers that every response has, and writes the access log line.
    pub(crate) fn finish(
        self,
        shared: &Shared,
        exchange: &Exchange,
        status: StatusCode,
        headers: &mut HeaderMap,
    ) {
        headers.insert(X_REQUEST_ID, exchange.request_id.clone());
        shared.cors.mark(self.origin.as_ref(), headers);
        let duration_ms = shared.host.instant().since(self.started).as_millis();
        tracing::info!(target: "access", status = status.as_u16(), duration_ms, "response sent");
    }
}

impl Shared {
    async fn handle(
        self: Arc<Self>,
        request: Request<Body>,
        exchange: Exchange,
        rate_limited: Option<RateLimited>,
    ) -> Response<Body> {
        let in_flight = InFlight::begin(&request, &*self.host);
        let method = request.method().clone();
        let is_native_grpc = grpc::is_call(&request);
        let mut response = if Cors::is_preflight(&request) {
            let mut response = response::empty(StatusCode::NO_CONTENT);
            Cors::permit(response.headers_mut());
            response
        } else {
            let (request, unread) = UnreadBody::track(request);
            let dispatch = Dispatch { shared: Arc::clone(&self), exchange: exchange.clone(), rate_limited };
            let Ok(response) = GrpcWeb::new(dispatch).call(request).await;
            // gRPC and gRPC-web reject calls with HTTP 200.
            let is_rejected = response.status().as_u16() >= 400;
            if let Some(unread) = unread.filter(|unread| is_rejected || unread.is_abandoned()) {
                self.discard(unread).await;
            }
            response
        };
        if !is_native_grpc {
            secure::mark(response.headers_mut(), exchange.is_https());
        }
        if method == Method::HEAD {
            response = without_body(response);
        }
        in_flight.finish(&self, &exchange, response.status(), response.headers_mut());
        response
    }

    async fn discard(&self, unread: UnreadBody) {
        unread.discard(self.config.max_discarded_bytes, |duration| self.host.sleep(duration)).await;
    }
}

/// The response to HEAD: the head of GET's response, without its body. A 304 gets no length: it would be that of the 200.
fn without_body(mut response: Response<Body>) -> Response<Body> {
    let has_content = response.status() != StatusCode::NOT_MODIFIED;
    if let Some(length) = response.body().size_hint().exact().filter(|_| has_content) {
        response.headers_mut().entry(CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    response.map(|_| Body::empty())
}

/// Dispatches native gRPC to the services, and everything else to HTTP. `GrpcWeb` has translated gRPC-web to native gRPC
/// before this, and translates the response back, so that the client receives it in its own protocol.
#[derive(Clone)]
struct Dispatch {
    shared: Arc<Shared>,
    exchange: Exchange,
    rate_limited: Option<RateLimited>,
}

/// The host rejects the request because of its rate limit.
#[derive(Clone, Copy)]
struct RateLimited {
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
        let Self { shared, exchange, rate_limited } = self.clone();
        Box::pin(async move {
            let error =
                rate_limited.map(|RateLimited { retry_after }| Error::TooManyRequests { retry_after });
            Ok(match (error, grpc::is_call(&request)) {
                (None, true) => grpc::handle(&shared, &exchange, request).await,
                (None, false) => http_api::handle(&shared, &exchange, request).await,
                (Some(error), true) => {
                    let response = grpc::trailers_only(&error.into());
                    grpc::record_status(response.headers());
                    response
                }
                (Some(error), false) => {
                    ErrorEncoder { schemas: shared.contract.schemas(), request_id: exchange.id() }
                        .encode_response(error, None)
                }
            })
        })
    }
}
