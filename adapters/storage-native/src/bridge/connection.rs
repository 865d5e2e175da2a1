//! The connections to a bridge, kept open between calls.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Request, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use storage_json::{BatchResponse, Rows};

use super::{BridgeError, BridgeSecret, BridgeUrl, failure::Failure};

/// The timeout for a new connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an idle connection stays open.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The interval of the HTTP/2 pings that detect a lost connection.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// The most bytes of a response body.
const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;

/// An HTTP client for one bridge. It checks certificates against Mozilla's roots.
pub(super) struct Connection {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    uri: Uri,
    authorization: HeaderValue,
}

impl Connection {
    pub(super) fn new(url: &BridgeUrl, secret: &BridgeSecret) -> Result<Self, BridgeError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        // Chosen explicitly, because more than one provider may be compiled into the process.
        let provider = rustls::crypto::ring::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)
            .map_err(BridgeError::Tls)?
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http2_keep_alive_interval(PING_INTERVAL)
            .build(connector);
        Ok(Self { client, uri: url.batch_uri(), authorization: secret.header().clone() })
    }

    /// Sends one request, without retries.
    pub(super) async fn post(&self, body: Bytes) -> Result<BatchResponse<Rows>, Failure> {
        let mut request =
            Request::post(self.uri.clone()).body(Full::new(body)).map_err(Failure::invalid_message)?;
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, self.authorization.clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let response = self.client.request(request).await.map_err(Failure::transport)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MAX_RESPONSE_BYTES).collect().await;
        let body = body.map_err(Failure::incomplete_body)?.to_bytes();
        if status == StatusCode::OK {
            serde_json::from_slice(&body).map_err(|_| Failure::not_from_bridge(status))
        } else {
            Err(Failure::from_response(status, &body))
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("uri", &self.uri).finish_non_exhaustive()
    }
}
