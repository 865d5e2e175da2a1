//! Relays gRPC-web calls to services that speak gRPC-web themselves: the gateway checks the head of the call, and the host
//! forwards the body unchanged. A Worker connects the two streams this way and copies no bytes.

use std::{
    convert::Infallible,
    future::{Future, ready},
};

use grpc_web::GrpcWeb;
use http::{
    HeaderMap, HeaderName, Method, Request, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, TE},
    request::Parts,
};
use tonic::{Status, body::Body};
use tower::{BoxError, Service as _, service_fn};
use tracing::Instrument as _;

use crate::{
    Gateway,
    deadline::Deadline,
    error::Error,
    exchange::Exchange,
    gateway::{InFlight, span},
    grpc, metadata, secure,
    shared::Shared,
};

/// The headers of the gRPC-web protocol: the formats of the request and of the response. The service reads them, too.
const GRPC_WEB: [HeaderName; 3] = [CONTENT_TYPE, ACCEPT, HeaderName::from_static("x-grpc-web")];

/// The response to a call that [`Gateway::relay`] handled.
#[derive(Debug)]
pub enum Relayed<R> {
    /// The response of the service. Its body is unread.
    FromService(Response<R>),
    /// The response of the gateway: it rejected the call, or could not reach the service.
    FromGateway(Response<Body>),
}

impl<R> Relayed<R> {
    fn head_mut(&mut self) -> (StatusCode, &mut HeaderMap) {
        match self {
            Self::FromService(response) => (response.status(), response.headers_mut()),
            Self::FromGateway(response) => (response.status(), response.headers_mut()),
        }
    }
}

impl Gateway {
    /// Whether [`Gateway::relay`] can handle `request`: a gRPC-web call with one request message. A stream of request
    /// messages is not relayed: the gateway reads it, to distinguish its end from a connection that broke.
    pub fn relays<B>(&self, request: &Request<B>) -> bool {
        let method = || self.shared.contract.method(request.uri().path());
        request.method() == Method::POST
            && grpc_web::is_grpc_web(request.headers())
            && method().is_some_and(|method| !method.client_streaming())
    }

    /// Handles a gRPC-web call for which [`Gateway::relays`] is true. `forward` receives the full name of the service, and
    /// the request with the headers that the service may see. Tokens, CORS and ids work as in any other call, and the
    /// service must begin its response within the call's time limit. The gateway does not limit the time of the body.
    pub async fn relay<B, R, F>(
        &self,
        request: Request<B>,
        forward: impl FnOnce(String, Request<B>) -> F + Send,
    ) -> Relayed<R>
    where
        B: Send,
        R: Send,
        F: Future<Output = Result<Response<R>, BoxError>> + Send,
    {
        let exchange = Exchange::begin(&request, &*self.shared.host);
        let span = span(&request, &exchange);
        self.shared.relay(request, exchange, forward).instrument(span).await
    }
}

impl Shared {
    async fn relay<B, R, F>(
        &self,
        request: Request<B>,
        exchange: Exchange,
        forward: impl FnOnce(String, Request<B>) -> F + Send,
    ) -> Relayed<R>
    where
        B: Send,
        R: Send,
        F: Future<Output = Result<Response<R>, BoxError>> + Send,
    {
        let in_flight = InFlight::begin(&request, &*self.host);
        let (head, body) = request.into_parts();
        let mut relayed = match self.forward_body(&exchange, &head, body, forward).await {
            Ok(response) => Relayed::FromService(response),
            Err(error) => Relayed::FromGateway(encode_error(head, error).await),
        };
        let (status, headers) = relayed.head_mut();
        secure::mark(headers, exchange.is_https());
        grpc_web::forbid_buffering(headers);
        in_flight.finish(self, &exchange, status, headers);
        relayed
    }

    async fn forward_body<B, R, F>(
        &self,
        exchange: &Exchange,
        head: &Parts,
        body: B,
        forward: impl FnOnce(String, Request<B>) -> F + Send,
    ) -> Result<Response<R>, Error>
    where
        B: Send,
        R: Send,
        F: Future<Output = Result<Response<R>, BoxError>> + Send,
    {
        let (mut headers, limit) = self.admit(exchange, head).await?;
        headers.remove(TE);
        metadata::copy(&GRPC_WEB, &head.headers, &mut headers);
        let mut request = Request::new(body);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = head.uri.clone();
        *request.headers_mut() = headers;
        let service = grpc::service_of(head.uri.path()).unwrap_or_default();
        let call = forward(service.to_owned(), request);
        let response = match limit.of_head() {
            Some(until_head) => Deadline::start(&*self.host, until_head).within(call).await?,
            None => call.await,
        };
        let response = response.map_err(Error::Unreachable)?;
        if grpc_web::is_grpc_web(response.headers()) {
            return Ok(response);
        }
        // The runtime responded, because the service is absent. Its text is not for the caller.
        let http_status = response.status();
        Err(Error::NotGrpc { http_status, code: grpc_web::status_from_http(http_status) })
    }
}

/// The response for `error`, in the format of gRPC-web that the caller accepts.
async fn encode_error(head: Parts, error: Error) -> Response<Body> {
    let status = Status::from(error);
    let reject = service_fn(|_| {
        let response = grpc::trailers_only(&status);
        grpc::record_status(response.headers());
        ready(Ok::<_, Infallible>(response))
    });
    let Ok(response) = GrpcWeb::new(reject).call(Request::from_parts(head, Body::empty())).await;
    response
}
