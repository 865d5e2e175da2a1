//! An HTTP client with the token of one user.

use std::fmt;

use anyhow::Context as _;
use reqwest::{
    Method, RequestBuilder,
    header::HeaderMap,
    multipart::{Form, Part},
};
use serde_json::Value;

use crate::{ImageFile, Target};

/// A user of a target.
#[derive(Clone, Debug)]
pub struct User {
    /// The user id: the token's `sub`.
    pub id: String,
    /// The token.
    pub token: String,
    /// The target that the user calls.
    pub target: Target,
}

/// A response with its whole body.
#[derive(Clone)]
pub struct HttpResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// The body as JSON, or null if it is not JSON.
    pub json: Value,
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {body:.1000} with {:?}", self.status, self.headers)
    }
}

impl HttpResponse {
    /// Reads the whole response.
    ///
    /// # Errors
    /// The connection failed.
    pub async fn read(response: reqwest::Response) -> anyhow::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.context("the body is incomplete")?.to_vec();
        let json = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Self { status, headers, body, json })
    }

    /// The text at a JSON pointer, or an empty text.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// A header's text, or an empty text.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl User {
    /// A request with this user's token. The caller completes and sends it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.target.client.request(method, self.target.url(path)).bearer_auth(&self.token)
    }

    /// Sends a GET.
    ///
    /// # Errors
    /// There was no response.
    pub async fn get(&self, path: &str) -> anyhow::Result<HttpResponse> {
        HttpResponse::read(self.request(Method::GET, path).send().await?).await
    }

    /// Sends a DELETE.
    ///
    /// # Errors
    /// There was no response.
    pub async fn delete(&self, path: &str) -> anyhow::Result<HttpResponse> {
        HttpResponse::read(self.request(Method::DELETE, path).send().await?).await
    }

    /// Sends a JSON body by POST.
    ///
    /// # Errors
    /// There was no response.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<HttpResponse> {
        HttpResponse::read(self.request(Method::POST, path).json(body).send().await?).await
    }

    /// Sends a JSON body by PATCH.
    ///
    /// # Errors
    /// There was no response.
    pub async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<HttpResponse> {
        HttpResponse::read(self.request(Method::PATCH, path).json(body).send().await?).await
    }

    /// Uploads an image in a form.
    ///
    /// # Errors
    /// There was no response.
    pub async fn upload(&self, file: &ImageFile, filename: &str) -> anyhow::Result<HttpResponse> {
        let part =
            Part::bytes(file.bytes.clone()).file_name(filename.to_owned()).mime_str(file.content_type)?;
        let form = Form::new().part("image", part);
        HttpResponse::read(self.request(Method::POST, "/api/images/upload").multipart(form).send().await?)
            .await
    }

    /// Uploads a small image and returns its id.
    ///
    /// # Errors
    /// It was not stored.
    pub async fn new_image(&self) -> anyhow::Result<String> {
        let response = self.upload(&ImageFile::png(8, 8), "small.png").await?;
        let id = response.json.pointer("/image/id").and_then(Value::as_str);
        Ok(id.with_context(|| format!("no image in {response:?}"))?.to_owned())
    }
}
