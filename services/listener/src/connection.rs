//! One connection: hyper serves it, and this says when it ends.

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt as _};

use crate::{
    Limits, RequestBody, ResponseBody, Trust,
    activity::Activity,
    meter::{Paced, PacedExecutor},
    protocol::Noted,
    request_body::Answered,
    strict,
};

/// Bytes that HTTP/1 reads ahead of a handler.
const HTTP1_BUFFER: usize = 64 * 1024;
/// Bytes of one HTTP/2 stream, and of all streams of a connection, that may be in flight ahead of the handlers.
const HTTP2_STREAM_WINDOW: u32 = 256 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Requests that one HTTP/2 connection of a client may have under way.
const HTTP2_STREAMS: u32 = 200;
/// Requests that one HTTP/2 connection to a service may have under way: those of all clients of a gateway are on one.
pub const MAX_GATEWAY_STREAMS: u32 = 4096;
/// An HTTP/2 peer that answers no ping for this long is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long a connection is still read once the process stops: a request that was sent by then is answered.
const LAST_LOOK: Duration = Duration::from_millis(50);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves `stream` until its peer or one of the `limits` ends it, or until the last request has ended once the process
/// is `stopping`.
pub(crate) async fn serve<S, B>(
    stream: TcpStream,
    service: S,
    limits: Limits,
    peer: Peer,
    stopping: CancellationToken,
) where
    S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let activity = Activity::new();
    let (streams, max_age) = match *peer.trust {
        Trust::Proxies(_) => (HTTP2_STREAMS, limits.max_age),
        // A gateway's connection is never told to go while it is busy: hyper's client fails what it is about to send then.
        Trust::Everyone => (MAX_GATEWAY_STREAMS, Duration::MAX),
    };
    let limits = Limits { max_age, ..limits };
    let server = server(&limits, streams);
    let stream = TokioIo::new(Noted::new(stream, activity.clone()));
    let front = Arc::new(Front { activity: activity.clone(), limits, peer });
    let service = service_fn(move |request: Request<Incoming>| {
        let (front, service) = (Arc::clone(&front), service.clone());
        async move { front.respond(service, request).await }
    });
    let connection = Paced::new(server.serve_connection(stream, service), limits.pace);
    tokio::pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = end_of_new_requests(&activity, &limits, &stopping) => {
            connection.as_mut().get_pin_mut().graceful_shutdown();
            tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                () = activity.unused() => None,
            }
        }
    };
    match ended {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, "a connection broke off"),
        None => tracing::debug!("a peer stood still: its connection is closed"),
    }
}

/// Waits until the connection takes no more requests: it is idle or old, or the process stops.
async fn end_of_new_requests(activity: &Activity, limits: &Limits, stopping: &CancellationToken) {
    let stop = async {
        stopping.cancelled().await;
        tokio::time::sleep(LAST_LOOK).await;
    };
    tokio::select! {
        () = activity.idle(limits.idle_timeout) => {}
        () = tokio::time::sleep(limits.max_age) => {}
        () = stop => {}
    }
}

fn server(limits: &Limits, streams: u32) -> auto::Builder<PacedExecutor> {
    let mut server = auto::Builder::new(PacedExecutor { pace: limits.pace });
    // The head's time is `Activity`'s business: hyper's own timeout would end connections that are merely idle.
    server.http1().header_read_timeout(None).max_buf_size(HTTP1_BUFFER);
    server
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .max_concurrent_streams(streams)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    server
}

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// Whether it may speak for others.
    pub(crate) trust: Arc<Trust>,
}

/// What a request passes on its way to the service.
struct Front {
    activity: Activity,
    limits: Limits,
    peer: Peer,
}

impl Front {
    /// Responds to a request, which is open until its response has ended.
    async fn respond<S, B>(
        &self,
        service: S,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody<B>>, Infallible>
    where
        S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Send,
        S::Future: Send,
    {
        let open = self.activity.begin();
        if let Err(rejected) = strict::check(&request) {
            tracing::debug!(?rejected, peer = %self.peer.address, "a request was rejected");
            return Ok(rejected.response(request.version()).map(|text| ResponseBody::text(text, open)));
        }
        let answered = Answered::default();
        let (mut head, body) = request.into_parts();
        let client = self.peer.trust.client(self.peer.address, &mut head.headers);
        head.extensions.insert(client);
        let body = RequestBody::new(body, &head.headers, self.limits.pace, answered.clone());
        let response = service.oneshot(Request::from_parts(head, body)).await?;
        answered.set();
        Ok(response.map(|body| ResponseBody::new(body, open)))
    }
}
