//! Calls whose bodies are the runtime's own streams: given on from one to the next, they are never copied to this side.

use bytes::Bytes;
use futures_util::{Stream as Chunks, TryStreamExt as _};
use http::{Request, Response, Uri, request::Parts};
use tonic::Status;
use worker::{
    Fetch, Fetcher,
    js_sys::{Uint8Array, futures::JsFuture},
    wasm_bindgen::{JsCast as _, JsValue},
    web_sys::{self, ReadableStream, RequestInit, RequestRedirect},
    worker_sys,
};

use crate::{answer::with_stream, headers};

/// A body that the runtime has; `None` if there is none.
pub type Stream = Option<ReadableStream>;

/// The head of a request, whose body stays with the runtime until it is asked for: that costs, and many have none.
///
/// # Errors
/// The head is not HTTP as this side knows it.
pub fn head(request: &web_sys::Request) -> worker::Result<Request<()>> {
    let mut head = Request::builder().method(&*request.method()).uri(request.url()).body(())?;
    *head.headers_mut() = headers::from_runtime(&request.headers())?;
    Ok(head)
}

/// Gives an answer to the runtime.
///
/// # Errors
/// A header is no text.
pub fn answer_streamed(response: Response<Stream>) -> worker::Result<web_sys::Response> {
    let (head, body) = response.into_parts();
    with_stream(&head, body.as_ref())
}

/// `chunks` as a stream of the runtime, which breaks off as they do.
pub(crate) fn readable(chunks: impl Chunks<Item = Result<Bytes, Status>> + 'static) -> ReadableStream {
    let chunks = chunks.map_ok(|chunk| Uint8Array::from(chunk.as_ref()).into());
    let chunks = chunks.map_err(|status| JsValue::from(status.to_string()));
    wasm_streams::ReadableStream::from_stream(chunks).into_raw().unchecked_into()
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
    init.set_headers(&headers::to_runtime(&head.headers)?);
    // A gRPC call is never redirected; to follow would mean to keep its body.
    init.set_redirect(RequestRedirect::Manual);
    if let Some(body) = body {
        init.set_body(body);
    }
    let uri = uri.to_string();
    match bound {
        Some(fetcher) => {
            let fetcher: worker_sys::Fetcher = JsValue::from(fetcher).unchecked_into();
            Ok(JsFuture::from(fetcher.fetch_with_str_and_init(&uri, &init)?).await?.dyn_into()?)
        }
        None => {
            let request = web_sys::Request::new_with_str_and_init(&uri, &init)?;
            Ok(Fetch::Request(request.into()).send().await?.into())
        }
    }
}

/// An answer with its body as the runtime has it.
pub(crate) fn of_runtime(response: &web_sys::Response) -> worker::Result<Response<Stream>> {
    let mut split = Response::new(response.body());
    *split.status_mut() = response.status().try_into().map_err(http::Error::from)?;
    *split.headers_mut() = headers::from_runtime(&response.headers())?;
    Ok(split)
}
