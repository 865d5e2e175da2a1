//! gRPC that is passed on to a service; gRPC-web has become gRPC ahead of this.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use grpc_rules::{DeadlineBody, GRPC_TIMEOUT, requested_timeout, timeout_header};
use http::{
    HeaderMap, HeaderValue, Method as HttpMethod, Request, Response, header::CONTENT_TYPE, request::Parts,
};
use identity::Denied;
use tonic::{Status, body::Body};
use tower::ServiceExt as _;

use crate::{
    contract::Method,
    deadline::Deadline,
    error::Error,
    exchange::Exchange,
    metadata,
    shared::{Shared, note},
};

pub(crate) const GRPC_STATUS: &str = "grpc-status";

/// Whether a request is a native gRPC call.
pub(crate) fn is_call<B>(request: &Request<B>) -> bool {
    let media_type = request.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let essence = media_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let kind = essence.to_ascii_lowercase();
    request.method() == HttpMethod::POST
        && (kind == b"application/grpc" || kind.starts_with(b"application/grpc+"))
}

/// Answers a gRPC call, by the service or by the status of what went wrong.
pub(crate) async fn answer(shared: &Shared, exchange: &Exchange, request: Request<Body>) -> Response<Body> {
    let response = match grpc_rules::check(&request) {
        Ok(()) => {
            shared.pass_on(exchange, request).await.unwrap_or_else(|error| trailers_only(&error.into()))
        }
        Err(rule) => rule.into_response(),
    };
    if let Some(status) = response.headers().get(GRPC_STATUS).and_then(|value| value.to_str().ok()) {
        note("grpc_status", status);
    }
    response
}

pub(crate) fn trailers_only(status: &Status) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = grpc_web::trailers_from_status(status);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

impl Shared {
    async fn pass_on(&self, exchange: &Exchange, request: Request<Body>) -> Result<Response<Body>, Error> {
        let (head, body) = request.into_parts();
        let (headers, timeout) = self.admit(exchange, &head).await?;
        let call = self.call(head.uri.path(), headers, body);
        let Some(timeout) = timeout else { return call.await };
        let mut deadline = Deadline::start(&*self.host, timeout);
        let response = deadline.within(call).await??;
        Ok(response.map(|body| Body::new(DeadlineBody::new(body, deadline.into_sleep()))))
    }

    /// Judges the head of a gRPC call: the headers that its service gets to see, and how long it may take.
    ///
    /// # Errors
    /// If there is no such RPC, or the caller may not call it.
    pub(crate) async fn admit(
        &self,
        exchange: &Exchange,
        head: &Parts,
    ) -> Result<(HeaderMap, Option<Duration>), Error> {
        let path = head.uri.path();
        let method = self.rpc(path)?;
        note("route", path);
        self.authorize(method, &head.headers).await?;
        let timeout = self.grpc_timeout(method, &head.headers)?;
        let mut headers = metadata::of_grpc(&head.headers, &self.config.forwarded_headers, exchange);
        headers.extend(timeout.map(|timeout| (GRPC_TIMEOUT, timeout_header(timeout))));
        Ok((headers, timeout))
    }

    /// Whether there is an RPC at a path.
    pub(crate) fn has_rpc(&self, path: &str) -> bool {
        self.rpc(path).is_ok()
    }

    /// The RPC at a gRPC path; `None` for one of a service that the contract does not have, but the host does.
    fn rpc(&self, path: &str) -> Result<Option<&Method>, Error> {
        let unknown = || Error::NoSuchRpc(path.trim_start_matches('/').to_owned());
        if let Some(method) = self.contract.method(path) {
            return Ok(Some(method));
        }
        let service = service_of(path).ok_or_else(unknown)?;
        let in_contract = self.contract.methods().iter().any(|method| method.service.full_name == service);
        if in_contract || !self.upstreams.contains(service) { Err(unknown()) } else { Ok(None) }
    }

    /// Refuses a bad token, and a missing one where the method needs one; a service checks again what matters to it.
    ///
    /// # Errors
    /// If the token is refused or missing.
    pub(crate) async fn authorize(&self, method: Option<&Method>, headers: &HeaderMap) -> Result<(), Error> {
        let error = match self.host.authenticate(headers).await {
            Ok(Some(caller)) => {
                note("caller", caller.user_id().as_str());
                return Ok(());
            }
            Ok(None) if method.is_none_or(|method| method.token_optional) => return Ok(()),
            Ok(None) => Error::from(Denied::NoToken),
            Err(refused) => refused.into(),
        };
        note("auth_error", &error.to_string());
        Err(error)
    }

    /// A call with one answer always ends; a stream ends when its caller says so.
    fn grpc_timeout(&self, method: Option<&Method>, headers: &HeaderMap) -> Result<Option<Duration>, Error> {
        let streams = method.is_some_and(|method| method.client_streaming() || method.server_streaming());
        if method.is_none() || streams {
            return Ok(requested_timeout(headers)?);
        }
        self.unary_timeout(headers).map(Some)
    }

    /// How long a call with one answer may take.
    ///
    /// # Errors
    /// If the caller's `grpc-timeout` is not one.
    pub(crate) fn unary_timeout(&self, headers: &HeaderMap) -> Result<Duration, Error> {
        let requested = requested_timeout(headers)?.unwrap_or(self.config.default_timeout);
        Ok(requested.min(self.config.max_timeout))
    }

    /// Calls the RPC at `path` of the service that is registered for it.
    ///
    /// # Errors
    /// If there is none, or it cannot be reached.
    pub(crate) async fn call(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Response<Body>, Error> {
        self.call_upstream(service_of(path).unwrap_or_default(), path, headers, body).await
    }

    /// Calls the RPC at `path` where the service `registered` is.
    ///
    /// # Errors
    /// If there is no such service, or it cannot be reached.
    pub(crate) async fn call_upstream(
        &self,
        registered: &str,
        path: &str,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Response<Body>, Error> {
        let upstream = self.upstreams.get(registered);
        let upstream = upstream.ok_or(Error::Broken("no upstream is registered for the service"))?.clone();
        let mut request = Request::new(body);
        *request.method_mut() = HttpMethod::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() =
            http::Uri::try_from(path).map_err(|_| Error::Broken("an RPC's name is no path"))?;
        *request.headers_mut() = headers;
        // A bug in a service of this process must not take the client's connection with it, and all other calls there.
        let answer = AssertUnwindSafe(upstream.oneshot(request)).catch_unwind().await;
        answer.map_err(|_| Error::Broken("a service panicked"))?.map_err(Error::Unreachable)
    }
}

/// The full name of the service that a gRPC path names.
pub(crate) fn service_of(path: &str) -> Option<&str> {
    path.strip_prefix('/')?.split_once('/').map(|(service, _)| service)
}
