//! Server streams: a JSON array, lines of JSON, or server-sent events, depending on `Accept`.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{
    HeaderMap, HeaderValue, Response,
    header::{ACCEPT, CONTENT_TYPE},
};
use http_body::Frame;
use http_body_util::StreamBody;
use tonic::{Status, body::Body};
use transcoding::{
    contract::{FieldPath, Method},
    json::Schemas,
};

use super::{Call, request, response_json::ResponseJson};
use crate::{
    deadline::Deadline,
    error::Error,
    messages::{self, Messages},
    metadata,
    response::ErrorEncoder,
};

/// How long the head of a response waits for the first item. Most errors occur within that time, and then have their own
/// HTTP status. After it, the head is sent, so that a client that waits for it, as `EventSource` does, is connected soon.
const FIRST_ITEM_WAIT: Duration = Duration::from_millis(250);

/// How the items of a stream are written to an HTTP body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// One JSON array, which a client without support for streams can read as a whole.
    Array,
    /// One line of JSON for each item.
    Lines,
    /// Server-sent events, as defined in the HTML standard.
    Events,
}

impl Format {
    /// The format that `Accept` names. Without one, a stream with event ids, which may never end, is sent as lines.
    fn accepted(headers: &HeaderMap, method: &Method) -> Self {
        let accept = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let essences = accept.flat_map(|value| value.split(',')).filter_map(|range| range.split(';').next());
        let formats = essences.filter_map(|essence| match essence.trim().to_ascii_lowercase().as_str() {
            "application/json" => Some(Self::Array),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Some(Self::Lines),
            "text/event-stream" => Some(Self::Events),
            _ => None,
        });
        let default = if method.event_id.is_some() { Self::Lines } else { Self::Array };
        { formats }.next().unwrap_or(default)
    }

    const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Array => "application/json",
            Self::Lines => "application/x-ndjson",
            Self::Events => "text/event-stream",
        })
    }

    /// The text before and after an item. It includes the array's `[` and commas; [`Format::end`] adds the `]`, because
    /// an item is not known to be the last.
    const fn around(self, is_first: IsFirst) -> (&'static str, &'static str) {
        match (self, is_first) {
            (Self::Array, IsFirst::Yes) => ("[", ""),
            (Self::Array, IsFirst::No) => (",", ""),
            (Self::Lines, _) => ("", "\n"),
            (Self::Events, _) => ("data: ", "\n\n"),
        }
    }

    const fn end(self, is_first: IsFirst) -> &'static str {
        match (self, is_first) {
            (Self::Array, IsFirst::Yes) => "[]",
            (Self::Array, IsFirst::No) => "]",
            (Self::Lines | Self::Events, _) => "",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IsFirst {
    Yes,
    No,
}

pub(super) async fn handle(call: &Call<'_>, body: Body) -> Result<Response<Body>, Error> {
    let timeout = call.shared.unary_timeout(&call.head.headers)?;
    let mut deadline = Deadline::start(&*call.shared.host, timeout);
    let message = request::read_message(call, body, &mut deadline).await?;
    let open = async { call.open(messages::body(&message)?, None).await };
    let (metadata, mut messages) = deadline.within(open).await??;
    let mut wait = Deadline::start(&*call.shared.host, FIRST_ITEM_WAIT);
    let first = match deadline.within(wait.within(messages.next())).await? {
        Ok(first) => First::Read(first?),
        Err(_) => First::Awaited(deadline),
    };
    let format = Format::accepted(&call.head.headers, call.method());
    let items = Items {
        format,
        json: ResponseJson::for_call(call)?,
        event_id: call.method().event_id.clone().filter(|_| format == Format::Events),
        schemas: call.shared.contract.schemas().clone(),
        request_id: call.exchange.id().to_owned(),
        first: Some(first),
        is_first: IsFirst::Yes,
        messages,
    };
    let mut response = Response::new(items.into_body());
    *response.status_mut() = call.method().success_status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, format.content_type());
    grpc_web::forbid_buffering(headers);
    metadata::copy_to_response(&metadata, headers);
    Ok(response)
}

/// The first item of a stream.
enum First {
    /// It arrived before the head of the response was sent; `None`: the stream is empty.
    Read(Option<Bytes>),
    /// It has not arrived yet, and must arrive by the deadline of the call.
    Awaited(Deadline),
}

/// The rest of the stream.
struct Items {
    format: Format,
    json: ResponseJson,
    /// The field with the id of an event.
    event_id: Option<FieldPath>,
    schemas: Schemas,
    request_id: String,
    /// `None` once it was handled.
    first: Option<First>,
    is_first: IsFirst,
    messages: Messages,
}

impl Items {
    fn into_body(self) -> Body {
        let frames = stream::unfold(Some(self), |items| async move {
            let (text, rest) = items?.encode_next().await;
            Some((Ok::<_, Status>(Frame::data(Bytes::from(text))), rest))
        });
        Body::new(StreamBody::new(frames))
    }

    /// The text of the next item or of the end, and the rest of the stream, if there is one.
    async fn encode_next(mut self) -> (Vec<u8>, Option<Self>) {
        let message = match self.first.take() {
            Some(First::Read(message)) => Ok(message),
            Some(First::Awaited(mut deadline)) => {
                deadline.within(self.messages.next()).await.unwrap_or_else(Err)
            }
            None => self.messages.next().await,
        };
        let item = message.and_then(|message| message.map(|message| self.encode_item(&message)).transpose());
        match item {
            Ok(Some(text)) => {
                self.is_first = IsFirst::No;
                (text, Some(self))
            }
            Ok(None) => (self.format.end(self.is_first).into(), None),
            Err(error) => (self.encode_error(error), None),
        }
    }

    /// The text of a message as an item.
    fn encode_item(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let item = self.enclose(&self.json.encode(message)?);
        let id = self.event_id.as_ref().and_then(|field| field.read_text(message));
        Ok(match id.filter(|id| !id.contains(char::is_control)) {
            Some(id) => [format!("id: {id}\n").as_bytes(), &item].concat(),
            None => item,
        })
    }

    /// The last item of a stream that fails: the same JSON as the body of an error response.
    fn encode_error(&self, error: Error) -> Vec<u8> {
        let errors = ErrorEncoder { schemas: &self.schemas, request_id: &self.request_id };
        let item = self.enclose(&errors.encode_body(&error.into()));
        match self.format {
            Format::Array => [&item, &b"]"[..]].concat(),
            Format::Lines => item,
            Format::Events => [&b"event: error\n"[..], &item].concat(),
        }
    }

    fn enclose(&self, json: &[u8]) -> Vec<u8> {
        let (before, after) = self.format.around(self.is_first);
        [before.as_bytes(), json, after.as_bytes()].concat()
    }
}
