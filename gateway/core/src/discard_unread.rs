//! A layer around a service's own port, for clients that write a whole request before they read the response.

use std::{
    convert::Infallible,
    error::Error,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use runtime::Timer;
use tonic::body::Body;
use tower::Service;

use crate::discard::{MAX_BYTES, UnreadBody};

/// Reads and discards what its service left unread of an HTTP/1.1 request, before it sends the response: at most 64 MiB,
/// for at most 30 s. Without it, a client that writes its whole request first may see a broken connection and not the
/// response. A [`Gateway`](crate::Gateway) does this itself.
#[derive(Clone, Debug)]
pub struct DiscardUnread<S, T> {
    inner: S,
    timer: T,
}

impl<S, T> DiscardUnread<S, T> {
    /// Wraps `inner`.
    pub const fn new(inner: S, timer: T) -> Self {
        Self { inner, timer }
    }
}

impl<S, T, B> Service<Request<B>> for DiscardUnread<S, T>
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
        let (request, unread) = UnreadBody::track(request.map(Body::new));
        let (call, timer) = (self.inner.call(request), self.timer.clone());
        Box::pin(async move {
            let response = call.await;
            if let Some(unread) = unread.filter(UnreadBody::is_abandoned) {
                unread.discard(MAX_BYTES, |duration| Box::pin(timer.sleep(duration))).await;
            }
            response
        })
    }
}
