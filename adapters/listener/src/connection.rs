//! One connection: hyper serves it, and this module decides when it ends.

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
    protocol::ObservedStream,
    request_body::ResponseStarted,
    strict,
};

/// The read buffer of an HTTP/1 connection, in bytes.
const HTTP1_BUFFER: usize = 64 * 1024;
/// The flow-control windows of one HTTP/2 stream and of all streams of a connection: bytes that peers may send before handlers
/// read them.
const HTTP2_STREAM_WINDOW: u32 = 256 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 1024 * 1024;
/// The most concurrent requests on one HTTP/2 connection of a client.
const HTTP2_STREAMS: u32 = 200;
/// The most concurrent requests on one HTTP/2 connection from a gateway to a service, which carries the requests of all its
/// clients.
pub const MAX_GATEWAY_STREAMS: u32 = 4096;
/// The interval of HTTP/2 pings, and the timeout for the reply to one. After it, the connection is closed.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long connections still accept requests after the process starts to stop, so that requests already sent are served.
const FINAL_READ_TIME: Duration = Duration::from_millis(50);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Serves `stream` until its peer closes it or one of the `limits` applies. Once the process is `stopping`, serves it until
/// its last request has ended.
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
        // A busy connection of a gateway is never closed for its age: hyper's client would fail the requests that it is about
        // to send.
        Trust::Everyone => (MAX_GATEWAY_STREAMS, Duration::MAX),
    };
    let limits = Limits { max_age, ..limits };
    let server = build_server(&limits, streams);
    let stream = TokioIo::new(ObservedStream::new(stream, activity.clone()));
    let handler = Arc::new(RequestHandler { activity: activity.clone(), limits, peer });
    let service = service_fn(move |request: Request<Incoming>| {
        let (handler, service) = (Arc::clone(&handler), service.clone());
        async move { handler.handle(service, request).await }
    });
    let connection = Paced::new(server.serve_connection(stream, service), limits.pace);
    tokio::pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = wait_until_draining(&activity, &limits, &stopping) => {
            connection.as_mut().get_pin_mut().graceful_shutdown();
            tokio::select! {
                biased;
                ended = connection.as_mut() => ended,
                () = activity.wait_until_closable() => None,
            }
        }
    };
    match ended {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, "the connection failed"),
        None => tracing::debug!("the peer is too slow, or did not close the connection in time; closing it"),
    }
}

/// Waits until the connection must not accept more requests: it is idle or too old, or the process stops.
async fn wait_until_draining(activity: &Activity, limits: &Limits, stopping: &CancellationToken) {
    let stop = async {
        stopping.cancelled().await;
        tokio::time::sleep(FINAL_READ_TIME).await;
    };
    tokio::select! {
        () = activity.wait_until_idle(limits.idle_timeout) => {}
        () = tokio::time::sleep(limits.max_age) => {}
        () = stop => {}
    }
}

fn build_server(limits: &Limits, streams: u32) -> auto::Builder<PacedExecutor> {
    let mut server = auto::Builder::new(PacedExecutor { pace: limits.pace });
    // `Activity` limits the time for a head: hyper's own timeout would also close idle connections.
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

/// The peer of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// Which peers are trusted to name the client of a request.
    pub(crate) trust: Arc<Trust>,
}

/// Passes the requests of one connection to the service.
struct RequestHandler {
    activity: Activity,
    limits: Limits,
    peer: Peer,
}

impl RequestHandler {
    /// Handles a request, which counts as open until its response has ended.
    async fn handle<S, B>(
        &self,
        service: S,
        request: Request<Incoming>,
    ) -> Result<Response<ResponseBody<B>>, Infallible>
    where
        S: Service<Request<RequestBody>, Response = Response<B>, Error = Infallible> + Send,
        S::Future: Send,
    {
        let open_request = self.activity.start_request();
        if let Err(rejected) = strict::check(&request) {
            tracing::debug!(?rejected, peer = %self.peer.address, "request rejected");
            return Ok(rejected
                .response(request.version())
                .map(|text| ResponseBody::text(text, open_request)));
        }
        let response_started = ResponseStarted::default();
        let (mut head, body) = request.into_parts();
        let client = self.peer.trust.find_client(self.peer.address, &mut head.headers);
        head.extensions.insert(client);
        let body = RequestBody::new(body, &head.headers, self.limits.pace, response_started.clone());
        let response = service.oneshot(Request::from_parts(head, body)).await?;
        response_started.set();
        Ok(response.map(|body| ResponseBody::new(body, open_request)))
    }
}
