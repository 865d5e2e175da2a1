//! Uploads: a file as a client stream. The description of the file is sent first, then its bytes as they arrive, with only
//! a few chunks in memory at a time. If the form has more fields after the file, the whole description is sent again.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{TryStreamExt as _, stream};
use http::{Response, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::StreamBody;
use tonic::{Status, body::Body};
use transcoding::contract::{FileInfo, Upload};

use super::{
    Call,
    multipart::{self, Form},
    unary,
};
use crate::{
    body::{self, Incoming},
    config::{MAX_CHUNK_BYTES, MAX_FORM_READ_BYTES},
    deadline::Deadline,
    error::Error,
    messages,
};

pub(super) async fn handle(call: &Call<'_>, upload: &Upload, body: Body) -> Result<Response<Body>, Error> {
    let timeout = call.shared.upload_timeout(&call.head.headers)?;
    let mut deadline = Deadline::start(&*call.shared.host, timeout);
    let work = async {
        let (first, source) = begin(call, upload, body).await?;
        let failure = Failure::default();
        let body = encode_stream(first, source, upload.clone(), failure.clone());
        let result = send(call, body, timeout).await;
        // An error in the client's bytes is the cause of any error that the service returns, so it comes first.
        match failure.take() {
            Some(error) => Err(error),
            None => result,
        }
    };
    deadline.within(work).await?
}

async fn send(call: &Call<'_>, body: Body, timeout: std::time::Duration) -> Result<Response<Body>, Error> {
    let (head, messages) = call.open(body, Some(timeout)).await?;
    let (message, trailers) = messages.only().await?;
    unary::encode_response(call, &[head, trailers], &message)
}

/// Where a file's bytes come from.
enum Source {
    Raw(Incoming),
    Part(Box<(Form, FormInfo)>),
}

/// What the description of a file in a form needs besides the form.
struct FormInfo {
    /// The wire bytes of the fields that path, query and headers set.
    bound: Vec<u8>,
    /// Those of the fields that the path sets.
    path: Vec<u8>,
    /// How many text parts were sent to the service.
    fields: usize,
}

impl FormInfo {
    /// The wire bytes of the file's description. Protobuf lets the last value count: path, query and request headers override
    /// the headers of the file part, and text parts of the form override both. The path is repeated at the end, so that no
    /// part of the form can name another resource.
    fn wire(&self, form: &Form, upload: &Upload) -> Result<Vec<u8>, Error> {
        let own = upload.info(&form.file_info(), &[])?;
        let fields = upload.info(&FileInfo::default(), form.fields())?;
        Ok([&own[..], &self.bound, &fields, &self.path].concat())
    }
}

/// The wire bytes of the stream's first message, and the file that follows it.
async fn begin(call: &Call<'_>, upload: &Upload, body: Body) -> Result<(Vec<u8>, File), Error> {
    let (headers, config) = (&call.head.headers, &call.shared.config);
    body::reject_encoding(headers)?;
    let limit = config.max_upload_bytes;
    let bound = call.found.bind(call.head.uri.query(), headers)?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let incoming = Incoming::new(body, config.idle_timeout, Arc::clone(&call.shared.host));
    let (first, source) = match content_type {
        Some(declared)
            if multipart::is_form(declared)
                && let Some(file_part) = &upload.file_part =>
        {
            body::check_length(headers, limit.saturating_add(2 * MAX_FORM_READ_BYTES))
                .map_err(|_| Error::BodyTooLarge { limit })?;
            let form = Form::begin(declared, incoming, limit, file_part).await?;
            let description = FormInfo { bound: bound.wire, path: bound.path, fields: form.fields().len() };
            (description.wire(&form, upload)?, Source::Part(Box::new((form, description))))
        }
        Some(declared) if upload.accepts_raw(declared) => {
            body::check_length(headers, limit)?;
            let size_bytes = body::content_length(headers);
            let info = FileInfo { filename: None, content_type: Some(declared), size_bytes };
            ([bound.wire, upload.info(&info, &[])?].concat(), Source::Raw(incoming))
        }
        Some(_) | None => return Err(unsupported(upload)),
    };
    Ok((first, File { source, remaining: limit, limit, chunk: Bytes::new() }))
}

fn unsupported(upload: &Upload) -> Error {
    let form = upload.file_part.iter().map(|part| format!("multipart/form-data with the file part `{part}`"));
    let raw = upload.raw_content_types.join(" or ");
    let raw = (!raw.is_empty()).then(|| format!("the file itself as {raw}"));
    Error::MediaType { expected: form.chain(raw).collect::<Vec<_>>().join(", or ") }
}

/// A file that is being uploaded.
struct File {
    source: Source,
    limit: u64,
    /// How many more bytes the limit allows.
    remaining: u64,
    /// Bytes that have arrived and are not forwarded yet.
    chunk: Bytes,
}

impl File {
    /// The next bytes, few enough for one message; `None` when the file and the request around it are complete.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        while self.chunk.is_empty() {
            let chunk = match &mut self.source {
                Source::Raw(incoming) => incoming.next().await?,
                Source::Part(part) => part.0.next().await?,
            };
            let Some(chunk) = chunk else { return Ok(None) };
            let limit = self.limit;
            let remaining = self.remaining.checked_sub(chunk.len() as u64);
            self.remaining = remaining.ok_or(Error::BodyTooLarge { limit })?;
            self.chunk = chunk;
        }
        Ok(Some(self.chunk.split_to(self.chunk.len().min(MAX_CHUNK_BYTES))))
    }

    /// The wire bytes of the last message: the whole description again, if text parts after the file added to it.
    fn final_description(&mut self, upload: &Upload) -> Result<Option<Vec<u8>>, Error> {
        let Source::Part(part) = &mut self.source else { return Ok(None) };
        let (form, info) = &mut **part;
        if form.fields().len() == info.fields {
            return Ok(None);
        }
        info.fields = form.fields().len();
        info.wire(form, upload).map(Some)
    }
}

/// The body of the call. It is read as fast as the service reads it. An error of the source is kept in `failure` and
/// breaks the stream, so that no service takes a part of a file for the whole file.
fn encode_stream(first: Vec<u8>, file: File, upload: Upload, failure: Failure) -> Body {
    let first = stream::once(async move { message(&first, Bytes::new()) });
    let rest = stream::try_unfold((file, upload), |(mut file, upload)| async move {
        let parts = match file.next().await? {
            Some(chunk) => Some(message(&upload.data_prefix(chunk.len()), chunk)?),
            None => file.final_description(&upload)?.map(|wire| message(&wire, Bytes::new())).transpose()?,
        };
        Ok::<_, Error>(parts.map(|parts| (parts, (file, upload))))
    });
    let messages = futures_util::StreamExt::chain(first, rest);
    let frames =
        messages.map_ok(|parts| stream::iter(parts.into_iter().filter(|part| !part.is_empty()).map(Ok)));
    let frames = frames.try_flatten().map_ok(Frame::data).map_err(move |error| failure.keep(error));
    Body::new(StreamBody::new(frames))
}

/// A message in two parts, so that the file's bytes are not copied.
fn message(wire: &[u8], payload: Bytes) -> Result<[Bytes; 2], Error> {
    let mut head = messages::prefix(wire.len() + payload.len())?.to_vec();
    head.extend_from_slice(wire);
    Ok([Bytes::from(head), payload])
}

/// The error of an upload's source. It is kept here, because the service receives only an aborted stream.
#[derive(Clone, Default)]
struct Failure(Arc<Mutex<Option<Error>>>);

impl Failure {
    fn keep(&self, error: Error) -> Status {
        let status = Status::aborted(error.to_string());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        status
    }

    fn take(&self) -> Option<Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
