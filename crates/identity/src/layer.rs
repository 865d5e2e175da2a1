//! The tower layer that authenticates requests.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use runtime::Clock;
use tonic::{Status, server::NamedService};
use tower_layer::Layer;
use tower_service::Service;

use crate::{Authenticator, Caller, Denied};

/// Puts an [`AuthService`] in front of a gRPC service.
#[derive(Clone, Debug)]
pub struct AuthLayer<C> {
    authenticator: Authenticator<C>,
    token_optional: &'static [&'static str],
}

impl<C> AuthLayer<C> {
    /// A layer that verifies tokens with `authenticator`. Only the methods at the paths `token_optional`, such as
    /// `/reticle.images.v1.ImagesService/DownloadImage`, may be called without a token.
    pub const fn new(authenticator: Authenticator<C>, token_optional: &'static [&'static str]) -> Self {
        Self { authenticator, token_optional }
    }
}

impl<S, C: Clone> Layer<S> for AuthLayer<C> {
    type Service = AuthService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService { inner, layer: self.clone() }
    }
}

/// A gRPC service whose requests have a [`Caller`] in their extensions if, and only if, they were sent with a valid token.
///
/// A request with an invalid token is rejected here, before any of its body is read, and so is a request without a token
/// if the method requires one. Handlers call [`crate::caller`], which checks the scope.
#[derive(Clone, Debug)]
pub struct AuthService<S, C> {
    inner: S,
    layer: AuthLayer<C>,
}

impl<S, C, B, R> Service<Request<B>> for AuthService<S, C>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    C: Clock,
    B: Send + 'static,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The service that was polled ready is the one to call; the clone takes its place.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let AuthLayer { authenticator, token_optional } = self.layer.clone();
        Box::pin(async move {
            request.extensions_mut().remove::<Caller>();
            match authenticator.authenticate(request.headers()).await {
                Ok(Some(caller)) => request.extensions_mut().insert(caller),
                Ok(None) if token_optional.contains(&request.uri().path()) => None,
                Ok(None) => return Ok(Status::from(Denied::NoToken).into_http()),
                Err(rejection) => return Ok(Status::from(rejection).into_http()),
            };
            inner.call(request).await
        })
    }
}

impl<S: NamedService, C> NamedService for AuthService<S, C> {
    const NAME: &'static str = S::NAME;
}
