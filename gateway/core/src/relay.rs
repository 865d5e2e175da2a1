//! gRPC-web calls of services that speak it themselves: the gateway judges the head, and the host passes the body on as
//! it is. A Worker gives one stream to the next that way, and copies nothing.

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
    gateway::{Visit, span},
    grpc, metadata, secure,
    shared::Shared,
};

/// What says that a request is gRPC-web, and which answer it wants: the service reads it too.
const OF_GRPC_WEB: [HeaderName; 3] = [CONTENT_TYPE, ACCEPT, HeaderName::from_static("x-grpc-web")];

/// The answer to a call that was to be passed on.
#[derive(Debug)]
pub enum Relayed<R> {
    /// The service's own; nothing of its body was read.
    Passed(Response<R>),
    /// The gateway's: the call was refused, or the service could not be reached.
    Answered(Response<Body>),
}

impl<R> Relayed<R> {
    fn head_mut(&mut self) -> (StatusCode, &mut HeaderMap) {
        match self {
            Self::Passed(response) => (response.status(), response.headers_mut()),
            Self::Answered(response) => (response.status(), response.headers_mut()),
        }
    }
}

impl Gateway {
    /// Whether [`Gateway::relay`] is for `request`: a gRPC-web call with one request message. A stream of them is read, so
    /// that its end can be told from a client that broke off.
    pub fn relays<B>(&self, request: &Request<B>) -> bool {
        let method = || self.shared.contract.method(request.uri().path());
        request.method() == Method::POST
            && grpc_web::is_grpc_web(request.headers())
            && method().is_some_and(|method| !method.client_streaming())
    }

    /// Answers a gRPC-web call, one of those that [`Gateway::relays`] is true of, by `forward`, which gets the full name of
    /// the service, and the request with the headers that the service may see. Everything else is as in any other call of
    /// the gateway: tokens, CORS, ids, and how long the service may take to begin. How long its answer may take is its
    /// own affair.
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
        let visit = Visit::begin(&request, &*self.host);
        let (head, body) = request.into_parts();
        let mut relayed = match self.pass_body_on(&exchange, &head, body, forward).await {
            Ok(response) => Relayed::Passed(response),
            Err(error) => Relayed::Answered(refusal(head, error).await),
        };
        let (status, headers) = relayed.head_mut();
        secure::mark(headers, exchange.is_https());
        grpc_web::forbid_buffering(headers);
        visit.end(self, &exchange, status, headers);
        relayed
    }

    async fn pass_body_on<B, R, F>(
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
        let (mut headers, timeout) = self.admit(exchange, head).await?;
        headers.remove(TE);
        metadata::copy(&OF_GRPC_WEB, &head.headers, &mut headers);
        let mut request = Request::new(body);
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = head.uri.clone();
        *request.headers_mut() = headers;
        let service = grpc::service_of(head.uri.path()).unwrap_or_default();
        let call = forward(service.to_owned(), request);
        let response = match timeout {
            Some(timeout) => Deadline::start(&*self.host, timeout).within(call).await?,
            None => call.await,
        };
        let response = response.map_err(Error::Unreachable)?;
        if grpc_web::is_grpc_web(response.headers()) {
            return Ok(response);
        }
        // The runtime's own words, for a service that is not there, are none for a caller.
        let http_status = response.status();
        Err(Error::NotGrpc { http_status, code: grpc_web::status_from_http(http_status) })
    }
}

/// What went wrong, as the gRPC-web that the caller asked for.
async fn refusal(head: Parts, error: Error) -> Response<Body> {
    let status = Status::from(error);
    let refuse = service_fn(|_| ready(Ok::<_, Infallible>(grpc::trailers_only(&status))));
    let Ok(response) = GrpcWeb::new(refuse).call(Request::from_parts(head, Body::empty())).await;
    response
}
