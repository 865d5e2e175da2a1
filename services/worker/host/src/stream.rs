//! Calls whose bodies are the runtime's own streams: given on from one to the next, they are never copied to this side.

use http::{Request, Response, Uri, request::Parts};
use worker::{
    Fetch, Fetcher, ResponseBuilder,
    js_sys::futures::JsFuture,
    wasm_bindgen::{JsCast as _, JsValue},
    web_sys::{self, ReadableStream, RequestInit, RequestRedirect},
    worker_sys,
};

use crate::headers;

/// A body that the runtime has; `None` if there is none.
pub type Stream = Option<ReadableStream>;

/// Splits a request into its head and its body, without reading of the body.
///
/// # Errors
/// The head is not HTTP as this side knows it.
pub fn streamed(request: &web_sys::Request) -> worker::Result<Request<Stream>> {
    let mut split = Request::builder().method(&*request.method()).uri(request.url()).body(request.body())?;
    *split.headers_mut() = headers::from_runtime(&request.headers())?;
    Ok(split)
}

/// Gives an answer to the runtime.
///
/// # Errors
/// A header is no text.
pub fn answer_streamed(response: Response<Stream>) -> worker::Result<worker::Response> {
    let (head, body) = response.into_parts();
    let builder = ResponseBuilder::new()
        .with_status(head.status.as_u16())
        .with_headers(headers::to_runtime(&head.headers)?);
    Ok(match body {
        Some(stream) => builder.stream(stream),
        None => builder.empty(),
    })
}

/// Calls `uri`, at the Worker `bound` or where the URI says, with a body as `fetch` takes them.
#[expect(clippy::future_not_send, reason = "its callers wrap it")]
pub(crate) async fn fetch(
    bound: Option<Fetcher>,
    uri: &Uri,
    head: &Parts,
    body: Option<&JsValue>,
) -> worker::Result<web_sys::Response> {
    let init = RequestInit::new();
    init.set_method(head.method.as_str());
    init.set_headers(headers::to_runtime(&head.headers)?.as_ref());
    // A gRPC call is never redirected; to follow would mean to keep its body.
    init.set_redirect(RequestRedirect::Manual);
    if let Some(body) = body {
        init.set_body(body);
    }
    let request = web_sys::Request::new_with_str_and_init(&uri.to_string(), &init)?;
    match bound {
        Some(fetcher) => {
            let fetcher: worker_sys::Fetcher = JsValue::from(fetcher).unchecked_into();
            Ok(JsFuture::from(fetcher.fetch(&request)?).await?.dyn_into()?)
        }
        None => Ok(Fetch::Request(request.into()).send().await?.into()),
    }
}

/// An answer with its body as the runtime has it.
pub(crate) fn of_runtime(response: &web_sys::Response) -> worker::Result<Response<Stream>> {
    let mut split = Response::new(response.body());
    *split.status_mut() = response.status().try_into().map_err(http::Error::from)?;
    *split.headers_mut() = headers::from_runtime(&response.headers())?;
    Ok(split)
}
