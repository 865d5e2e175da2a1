//! A server stream that is a file: Range, If-Range, If-None-Match, 206, 304, 416 (RFC 9110).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
        CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, VARY,
    },
};
use http_body::Frame;
use http_body_util::StreamBody;
use tonic::{Status, body::Body};

use super::{
    Call, disposition,
    range::{self, Part},
    request,
};
use crate::{
    answer, conditional,
    contract::{Download, DownloadInfo, DownloadRequest, EntityTags, quote},
    deadline::Deadline,
    error::Error,
    messages::{self, Messages},
    metadata,
    ports::Host,
    secure::CROSS_ORIGIN_RESOURCE_POLICY,
};

pub(super) async fn answer(
    call: &Call<'_>,
    download: &Download,
    body: Body,
) -> Result<Response<Body>, Error> {
    let part = range::requested(&call.head.method, &call.head.headers);
    let timeout = call.shared.unary_timeout(&call.head.headers)?;
    let mut deadline = Deadline::start(&*call.shared.host, timeout);
    let mut message = request::message(call, body, &mut deadline).await?;
    message.extend_from_slice(&wanted(download, part.as_ref(), &call.head.headers));
    let begin = async {
        // The stream goes on after the head's deadline, so the service is not told of it.
        let (metadata, mut messages) = call.open(messages::body(&message)?, None).await?;
        let first = messages.next().await?.unwrap_or_default();
        let info =
            download.parse_info(&first)?.ok_or(Error::Broken("a download began without its description"))?;
        Ok::<_, Error>((metadata, info, messages))
    };
    let (metadata, info, messages) = deadline.within(begin).await??;

    let mut response = if info.not_modified {
        answer::empty(StatusCode::NOT_MODIFIED)
    } else {
        let file = File {
            remaining: info.read_length,
            messages,
            download: download.clone(),
            host: Arc::clone(&call.shared.host),
            idle_timeout: call.shared.config.idle_timeout,
        };
        let mut response = Response::new(file.into_body());
        *response.status_mut() = describe(&info, part.as_ref(), response.headers_mut());
        response
    };
    mark(download, &info, response.headers_mut());
    metadata::answer(&metadata, response.headers_mut());
    Ok(response)
}

/// The request fields that say what the headers say.
fn wanted(download: &Download, part: Option<&Part>, headers: &HeaderMap) -> Vec<u8> {
    let tags = match conditional::none_match(headers) {
        None => Vec::new(),
        Some(EntityTags::Any) => vec!["*".to_owned()],
        // A tag that is a star in quotes is no wildcard; no file has it.
        Some(EntityTags::Listed(tags)) => {
            tags.into_iter().map(|tag| tag.value).filter(|tag| tag != "*").collect()
        }
    };
    download.request(&DownloadRequest {
        read_offset: part.map_or(0, |part| part.offset),
        read_limit: part.map_or(0, |part| part.limit),
        if_none_match: &tags,
        if_range: part.and_then(|part| part.of.as_deref()),
    })
}

/// Writes what a 304 says as well.
fn mark(download: &Download, info: &DownloadInfo, headers: &mut HeaderMap) {
    if !info.etag.is_empty() {
        headers.extend(HeaderValue::try_from(quote(&info.etag)).ok().map(|tag| (ETAG, tag)));
    }
    headers.extend(download.cache_control.clone().map(|value| (CACHE_CONTROL, value)));
    // A browser that was somebody else's an hour ago keeps what that user saw.
    headers.append(VARY, HeaderValue::from_static("authorization"));
    // Whoever has the address and the right to read may show the file in a page; it is a file of a stranger, though,
    // and never a page of this origin.
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
}

/// Writes what is told of the bytes that follow, and returns the status: a part is one if it was asked for and, where
/// that was on condition of a tag, of this very file.
fn describe(info: &DownloadInfo, part: Option<&Part>, headers: &mut HeaderMap) -> StatusCode {
    const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(&info.content_type).unwrap_or(BYTES));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(info.read_length));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_DISPOSITION, disposition::inline(&info.filename));
    let holds = part.is_some_and(|part| part.of.as_ref().is_none_or(|of| *of == info.etag));
    let last = info.read_offset.saturating_add(info.read_length).checked_sub(1);
    if let (true, Some(last)) = (holds && info.read_length > 0, last)
        && let Ok(range) =
            HeaderValue::try_from(format!("bytes {}-{last}/{}", info.read_offset, info.size_bytes))
    {
        headers.insert(CONTENT_RANGE, range);
        return StatusCode::PARTIAL_CONTENT;
    }
    StatusCode::OK
}

/// The bytes of a file as they come.
struct File {
    messages: Messages,
    download: Download,
    /// How many of the promised bytes are still to come.
    remaining: u64,
    host: Arc<dyn Host>,
    idle_timeout: Duration,
}

impl File {
    /// An error on the way becomes an error of the body, so that the connection breaks and no client takes a part of
    /// the file for the whole.
    fn into_body(self) -> Body {
        let frames = stream::try_unfold(self, |mut file| async move {
            let data = file.next().await.map_err(Status::from)?;
            Ok::<_, Status>(data.map(|data| (Frame::data(data), file)))
        });
        Body::new(StreamBody::new(frames))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let mut idle = Deadline::start(&*self.host, self.idle_timeout);
            let message = idle.within(self.messages.next()).await??;
            let data = message.as_ref().map(|message| self.download.data(message)).transpose()?;
            let length = data.as_ref().map_or(0, |data| data.len() as u64);
            self.remaining = self
                .remaining
                .checked_sub(length)
                .ok_or(Error::Broken("a download is longer than it said"))?;
            match data {
                Some(data) if data.is_empty() => {}
                None if self.remaining > 0 => {
                    return Err(Error::Broken("a download is shorter than it said"));
                }
                data => return Ok(data),
            }
        }
    }
}
