//! Ends calls when their `grpc-timeout` is over.

use std::{
    future::{Future, ready},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use runtime::Timer;
use tonic::{Status, body::Body};
use tower_service::Service;

use crate::{error::Error, timeout};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A running timer.
pub type Sleep = BoxFuture<()>;

/// Enforces deadlines in front of a service: a call ends with DEADLINE_EXCEEDED when the time in its `grpc-timeout` is over,
/// before its response or in the middle of it. A call without a `grpc-timeout` has no limit.
#[derive(Clone, Debug)]
pub struct Deadlines<S, T> {
    inner: S,
    timer: T,
}

impl<S, T> Deadlines<S, T> {
    /// Enforces the deadlines of calls to `inner`, measured by `timer`.
    pub const fn new(inner: S, timer: T) -> Self {
        Self { inner, timer }
    }
}

impl<S, T> Service<Request<Body>> for Deadlines<S, T>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    T: Timer,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match timeout::requested(request.headers()) {
            Err(error) => Box::pin(ready(Ok(error.into_response()))),
            Ok(None) => Box::pin(self.inner.call(request)),
            Ok(Some(timeout)) => Box::pin(Call {
                response: Box::pin(self.inner.call(request)),
                sleep: Some(Box::pin(self.timer.sleep(timeout))),
            }),
        }
    }
}

/// A call that has no response yet.
struct Call<E> {
    response: BoxFuture<Result<Response<Body>, E>>,
    /// `None` once the call has ended.
    sleep: Option<Sleep>,
}

impl<E> Future for Call<E> {
    type Output = Result<Response<Body>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Poll::Ready(response) = self.response.as_mut().poll(cx) {
            let sleep = self.sleep.take();
            return Poll::Ready(response.map(|response| {
                response.map(|body| match sleep {
                    Some(sleep) => Body::new(DeadlineBody::new(body, sleep)),
                    None => body,
                })
            }));
        }
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(cx));
        }
        Poll::Ready(Ok(Error::DeadlineExceeded.into_response()))
    }
}

/// The body of a response. It ends when the time of its call is over.
pub struct DeadlineBody {
    body: Body,
    /// `None` once the time is over.
    sleep: Option<Sleep>,
}

impl DeadlineBody {
    /// Passes `body` on until `sleep` ends. Then the body ends with DEADLINE_EXCEEDED in its trailers.
    #[must_use]
    pub const fn new(body: Body, sleep: Sleep) -> Self {
        Self { body, sleep: Some(sleep) }
    }
}

impl HttpBody for DeadlineBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(mut sleep) = self.sleep.take() else { return Poll::Ready(None) };
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if frame.is_pending() && sleep.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Ok(Frame::trailers(trailers()))));
        }
        self.sleep = Some(sleep);
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.sleep.is_none() || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    let status = Status::from(Error::DeadlineExceeded);
    if status.add_header(&mut trailers).is_err() {
        trailers.insert(Status::GRPC_STATUS, i32::from(status.code()).into());
    }
    trailers
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::pending, time::Duration};

    use futures_util::{StreamExt as _, stream};
    use http_body_util::{BodyExt as _, StreamBody};
    use tower::{ServiceExt as _, service_fn};

    use super::*;

    #[derive(Clone)]
    struct TokioTimer;

    impl Timer for TokioTimer {
        fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static {
            tokio::time::sleep(duration)
        }
    }

    fn call(timeout: &str) -> Request<Body> {
        Request::post("/a/b").header("grpc-timeout", timeout).body(Body::empty()).unwrap()
    }

    fn respond() -> impl Future<Output = Result<Response<Body>, Infallible>> {
        ready(Ok(Response::new(Body::empty())))
    }

    fn status(headers: &HeaderMap) -> &str {
        headers.get("grpc-status").map_or("", |value| value.to_str().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_without_a_response_ends_when_its_time_is_over() {
        let service = service_fn(|_: Request<Body>| pending::<Result<Response<Body>, Infallible>>());
        let before = tokio::time::Instant::now();
        let Ok(response) = Deadlines::new(service, TokioTimer).oneshot(call("2S")).await;
        assert_eq!((status(response.headers()), before.elapsed().as_secs()), ("4", 2));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_response_ends_when_its_time_is_over() {
        let service = service_fn(|_: Request<Body>| async {
            let frames = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"a")))]);
            Ok::<_, Infallible>(Response::new(Body::new(StreamBody::new(frames.chain(stream::pending())))))
        });
        let before = tokio::time::Instant::now();
        let Ok(response) = Deadlines::new(service, TokioTimer).oneshot(call("2S")).await;
        let body = response.into_body().collect().await.unwrap();
        assert_eq!((status(body.trailers().unwrap()), before.elapsed().as_secs()), ("4", 2));
        assert_eq!(body.to_bytes(), "a");
    }

    #[tokio::test]
    async fn a_timeout_below_a_millisecond_is_exceeded_even_if_the_service_responds_at_once() {
        for (timeout, code) in [("1n", "4"), ("0S", "4"), ("999u", "4"), ("1S", ""), ("soon", "3")] {
            let Ok(response) = Deadlines::new(service_fn(|_: Request<Body>| respond()), TokioTimer)
                .oneshot(call(timeout))
                .await;
            assert_eq!(status(response.headers()), code, "{timeout}");
        }
    }
}
