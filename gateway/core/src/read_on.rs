//! A port of a service, for clients that write a whole request before they read the answer.

use std::{
    convert::Infallible,
    error::Error,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use storage::Timer;
use tonic::body::Body;
use tower::Service;

use crate::discard::{Bounds, Leftover};

/// A request that was refused is somewhat larger than it may be, or else not worth it.
const BOUNDS: Bounds = Bounds { bytes: 64 * 1024 * 1024, time: Duration::from_secs(30) };

/// Reads on and throws away what its service did not read of an HTTP/1.1 request, within bounds, ahead of the answer. A
/// gateway does so itself.
#[derive(Clone, Debug)]
pub struct ReadOn<S, T> {
    inner: S,
    timer: T,
}

impl<S, T> ReadOn<S, T> {
    /// Reads on for `inner`.
    pub const fn new(inner: S, timer: T) -> Self {
        Self { inner, timer }
    }
}

impl<S, T, B> Service<Request<B>> for ReadOn<S, T>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
    T: Timer,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (request, leftover) = Leftover::watch(request.map(Body::new));
        let (answer, timer) = (self.inner.call(request), self.timer.clone());
        Box::pin(async move {
            let answer = answer.await;
            if let Some(leftover) = leftover.filter(Leftover::is_given_up) {
                leftover.discard(BOUNDS, |duration| Box::pin(timer.sleep(duration))).await;
            }
            answer
        })
    }
}
