//! Serves the health service and one other service on the same port, for hosts without a router.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use runtime::Timer;
use tonic::body::Body;
use tower_service::Service;

use crate::{HEALTH, Health};

/// Routes the calls of `grpc.health.v1.Health` to the health service, and all other calls to `service`.
#[derive(Clone, Debug)]
pub struct WithHealth<T, S> {
    health: Health<T>,
    service: S,
}

impl<T, S> WithHealth<T, S> {
    /// Combines `health` and `service`.
    pub const fn new(health: Health<T>, service: S) -> Self {
        Self { health, service }
    }
}

type BoxFuture = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl<T, S> Service<Request<Body>> for WithHealth<T, S>
where
    T: Timer,
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> BoxFuture {
        let is_health = request.uri().path().trim_start_matches('/').split('/').next() == Some(HEALTH);
        if is_health { Box::pin(self.health.call(request)) } else { Box::pin(self.service.call(request)) }
    }
}
