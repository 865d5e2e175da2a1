//! A JWKS behind a URL.

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, StatusCode, Uri, header::ACCEPT};
use http_body_util::{BodyExt as _, Empty, LengthLimitError, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use identity::{BoxError, KeySource};
use tokio::time::timeout;

use crate::{FetchError, InvalidKeySource, MAX_DOCUMENT_BYTES, single_flight::SingleFlight};

/// The timeout of one read: of a URL from the connection to the last byte, of a file from its opening.
pub const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Requests the URL each time keys are needed; reads that overlap share one request. Certificates are verified with Mozilla's
/// roots.
pub struct UrlKeys {
    url: Uri,
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    reads: SingleFlight<Result<Bytes, Arc<FetchError>>>,
}

impl UrlKeys {
    /// The keys at `url`, which is http or https.
    ///
    /// # Errors
    /// [`InvalidKeySource::Tls`] if TLS cannot be set up.
    pub fn new(url: Uri) -> Result<Self, InvalidKeySource> {
        identity::warn_if_plain_http(&url);
        // Named explicitly, because more than one provider may be compiled into the process.
        let provider = rustls::crypto::ring::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)?
            .https_or_http()
            .enable_http1()
            .build();
        // Minutes pass between two reads: the other side would have closed a kept connection.
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self { url, client, reads: SingleFlight::new() })
    }

    /// One read, as a future that does not borrow `self`.
    fn get(&self) -> impl Future<Output = Result<Bytes, FetchError>> + Send + use<> {
        let client = self.client.clone();
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = self.url.clone();
        request.headers_mut().insert(ACCEPT, http::HeaderValue::from_static("application/json"));
        async move {
            let response =
                client.request(request).await.map_err(|error| FetchError::Request(error.into()))?;
            if response.status() != StatusCode::OK {
                return Err(FetchError::Status(response.status()));
            }
            let body = Limited::new(response.into_body(), MAX_DOCUMENT_BYTES).collect().await;
            Ok(body.map_err(body_error)?.to_bytes())
        }
    }
}

fn body_error(error: BoxError) -> FetchError {
    if error.is::<LengthLimitError>() { FetchError::TooLarge } else { FetchError::Request(error) }
}

impl KeySource for UrlKeys {
    async fn fetch(&self) -> Result<Bytes, BoxError> {
        let run = self.reads.run(|| {
            let read = timeout(FETCH_TIMEOUT, self.get());
            async move { read.await.unwrap_or(Err(FetchError::Timeout)).map_err(Arc::new) }.boxed()
        });
        Ok(run.await?)
    }
}

impl fmt::Debug for UrlKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UrlKeys").field("url", &self.url).finish_non_exhaustive()
    }
}
