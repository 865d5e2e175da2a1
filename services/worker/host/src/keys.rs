//! A JWKS behind a URL, read with `fetch`.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{StatusCode, Uri, header::ACCEPT};
use http_body_util::{BodyExt as _, Limited};
use identity::{BoxError, KeySource};
use storage_worker::sleep;
use worker::{Fetch, Headers, Request, RequestInit, RequestRedirect, send::SendFuture};

/// The timeout of one read.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum size of a JWKS: 1 MiB.
const MAX_DOCUMENT_BYTES: usize = 1024 * 1024;

/// Requests the URL each time keys are needed.
#[derive(Debug)]
pub(crate) struct UrlKeys {
    url: Uri,
}

/// Why a JWKS could not be read.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    /// The status is not 200. Redirects are not followed, because keys must come from the configured URL.
    #[error("the response status was {0}, expected 200")]
    Status(StatusCode),
    #[error("there was no complete response within {} seconds", FETCH_TIMEOUT.as_secs())]
    Timeout,
}

impl UrlKeys {
    /// The keys at `url`.
    ///
    /// # Errors
    /// The rule, if `url` is not an http or https URL.
    pub(crate) fn new(url: &str) -> Result<Self, String> {
        let parsed = url.parse().ok();
        let web = parsed.filter(|uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")));
        web.inspect(identity::warn_if_plain_http)
            .map(|url| Self { url })
            .ok_or_else(|| format!("must be an http(s) URL, not `{url}`"))
    }

    #[expect(clippy::future_not_send, reason = "`fetch` below wraps it")]
    async fn get(&self) -> Result<Bytes, BoxError> {
        let headers = Headers::new();
        headers.set(ACCEPT.as_str(), "application/json")?;
        let mut init = RequestInit::new();
        init.with_headers(headers).with_redirect(RequestRedirect::Manual);
        let request = Request::new_with_init(&self.url.to_string(), &init)?;
        let response: worker::HttpResponse = Fetch::Request(request).send().await?.try_into()?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()).into());
        }
        Ok(Limited::new(response.into_body(), MAX_DOCUMENT_BYTES).collect().await?.to_bytes())
    }
}

impl KeySource for UrlKeys {
    async fn fetch(&self) -> Result<Bytes, BoxError> {
        // The library's `fetch` is not `Send`, and a Worker has one thread.
        SendFuture::new(async {
            match select(Box::pin(self.get()), Box::pin(sleep(FETCH_TIMEOUT))).await {
                Either::Left((document, _)) => document,
                Either::Right(((), _)) => Err(FetchError::Timeout.into()),
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_urls_are_accepted() {
        assert!(UrlKeys::new("https://id.example/.well-known/jwks.json").is_ok());
        for wrong in ["", "jwks.json", "/etc/jwks.json", "ftp://id.example"] {
            assert!(UrlKeys::new(wrong).is_err(), "{wrong}");
        }
    }
}
