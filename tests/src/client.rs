//! A user with a token, calling over HTTP.

use std::fmt;

use anyhow::Context as _;
use reqwest::{
    Method, RequestBuilder,
    header::HeaderMap,
    multipart::{Form, Part},
};
use serde_json::Value;

use crate::{Picture, Target};

/// A user of a target.
#[derive(Clone, Debug)]
pub struct User {
    /// The user id: the token's `sub`.
    pub id: String,
    /// The token.
    pub token: String,
    /// The target it calls.
    pub target: Target,
}

/// An answer, whole.
#[derive(Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// The body as JSON, or null if it is none.
    pub json: Value,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {body:.1000} with {:?}", self.status, self.headers)
    }
}

impl Answer {
    /// Reads all of a response.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn read(response: reqwest::Response) -> anyhow::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.context("the body broke off")?.to_vec();
        let json = serde_json::from_slice(&body).unwrap_or_default();
        Ok(Self { status, headers, body, json })
    }

    /// The text at a JSON pointer, or nothing.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// A header's text, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl User {
    /// A request with this user's token, to be completed and sent.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.target.client.request(method, self.target.url(path)).bearer_auth(&self.token)
    }

    /// Sends a GET.
    ///
    /// # Errors
    /// No answer came.
    pub async fn get(&self, path: &str) -> anyhow::Result<Answer> {
        Answer::read(self.request(Method::GET, path).send().await?).await
    }

    /// Sends a DELETE.
    ///
    /// # Errors
    /// No answer came.
    pub async fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        Answer::read(self.request(Method::DELETE, path).send().await?).await
    }

    /// Sends a JSON body by POST.
    ///
    /// # Errors
    /// No answer came.
    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        Answer::read(self.request(Method::POST, path).json(body).send().await?).await
    }

    /// Sends a JSON body by PATCH.
    ///
    /// # Errors
    /// No answer came.
    pub async fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        Answer::read(self.request(Method::PATCH, path).json(body).send().await?).await
    }

    /// Uploads a picture as a form.
    ///
    /// # Errors
    /// No answer came.
    pub async fn upload(&self, picture: &Picture, filename: &str) -> anyhow::Result<Answer> {
        let part = Part::bytes(picture.bytes.clone())
            .file_name(filename.to_owned())
            .mime_str(picture.content_type)?;
        let form = Form::new().part("image", part);
        Answer::read(self.request(Method::POST, "/api/images/upload").multipart(form).send().await?).await
    }

    /// Uploads a small picture and answers its id.
    ///
    /// # Errors
    /// It was not stored.
    pub async fn new_image(&self) -> anyhow::Result<String> {
        let answer = self.upload(&Picture::png(8, 8), "small.png").await?;
        let id = answer.json.pointer("/image/id").and_then(Value::as_str);
        Ok(id.with_context(|| format!("no image in {answer:?}"))?.to_owned())
    }
}
