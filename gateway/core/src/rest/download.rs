//! Downloads: server streams that are files, with Range, If-Range, If-None-Match, 206, 304 and 416 (RFC 9110).

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
use transcoding::contract::{Download, DownloadInfo, DownloadRequest, EntityTags, quote};

use super::{
    Call, disposition,
    range::{self, Part},
    request,
};
use crate::{
    conditional,
    deadline::Deadline,
    error::Error,
    messages::{self, Messages},
    metadata,
    ports::Host,
    response,
    secure::CROSS_ORIGIN_RESOURCE_POLICY,
};

pub(super) async fn handle(
    call: &Call<'_>,
    download: &Download,
    body: Body,
) -> Result<Response<Body>, Error> {
    let part = range::requested(&call.head.method, &call.head.headers);
    let timeout = call.shared.unary_timeout(&call.head.headers)?;
    let mut deadline = Deadline::start(&*call.shared.host, timeout);
    let mut message = request::read_message(call, body, &mut deadline).await?;
    message.extend_from_slice(&encode_request(download, part.as_ref(), &call.head.headers));
    let begin = async {
        const NO_INFO: Error = Error::Internal("the first message of a download has no description");
        // The deadline applies to the head only, and the stream continues after it: so the service gets no timeout.
        let (metadata, mut messages) = call.open(messages::body(&message)?, None).await?;
        let first = messages.next().await?.unwrap_or_default();
        let info = download.parse_info(&first)?.ok_or(NO_INFO)?;
        Ok::<_, Error>((metadata, info, messages))
    };
    let (metadata, info, messages) = deadline.within(begin).await??;

    let mut response = if info.not_modified {
        response::empty(StatusCode::NOT_MODIFIED)
    } else {
        let file = File {
            remaining: info.read_length,
            messages,
            download: download.clone(),
            host: Arc::clone(&call.shared.host),
            idle_timeout: call.shared.config.idle_timeout,
        };
        let mut response = Response::new(file.into_body());
        *response.status_mut() = write_content_headers(&info, part.as_ref(), response.headers_mut());
        response
    };
    write_common_headers(download, &info, response.headers_mut());
    metadata::copy_to_response(&metadata, response.headers_mut());
    Ok(response)
}

/// The wire bytes of the request fields that correspond to the headers.
fn encode_request(download: &Download, part: Option<&Part>, headers: &HeaderMap) -> Vec<u8> {
    let tags = match conditional::none_match(headers) {
        None => Vec::new(),
        Some(EntityTags::Any) => vec!["*".to_owned()],
        // A star in quotes is a tag and not a wildcard. No file has this tag.
        Some(EntityTags::Listed(tags)) => {
            tags.into_iter().map(|tag| tag.value).filter(|tag| tag != "*").collect()
        }
    };
    download.request(&DownloadRequest {
        read_offset: part.map_or(0, |part| part.offset),
        read_limit: part.map_or(0, |part| part.limit),
        if_none_match: &tags,
        if_range: part.and_then(|part| part.if_range.as_deref()),
    })
}

/// Writes the headers that a 304 has as well.
fn write_common_headers(download: &Download, info: &DownloadInfo, headers: &mut HeaderMap) {
    if !info.etag.is_empty() {
        headers.extend(HeaderValue::try_from(quote(&info.etag)).ok().map(|tag| (ETAG, tag)));
    }
    headers.extend(download.cache_control.clone().map(|value| (CACHE_CONTROL, value)));
    // Two users may share one browser: its cache must not give one user a response for another.
    headers.append(VARY, HeaderValue::from_static("authorization"));
    // Any page may embed the file, if its user may read it. But a user uploaded the file, so a browser must never treat it
    // as a page of this origin.
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
}

/// Writes the headers about the bytes that follow, and returns the status. It is 206 if a part was requested and the file
/// has the tag of `If-Range`, if there is one.
fn write_content_headers(info: &DownloadInfo, part: Option<&Part>, headers: &mut HeaderMap) -> StatusCode {
    const BYTES: HeaderValue = HeaderValue::from_static("application/octet-stream");
    headers.insert(CONTENT_TYPE, HeaderValue::from_str(&info.content_type).unwrap_or(BYTES));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(info.read_length));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_DISPOSITION, disposition::inline(&info.filename));
    let is_part = part.is_some_and(|part| part.if_range.as_ref().is_none_or(|tag| *tag == info.etag));
    let last = info.read_offset.saturating_add(info.read_length).checked_sub(1);
    if let (true, Some(last)) = (is_part && info.read_length > 0, last)
        && let Ok(range) =
            HeaderValue::try_from(format!("bytes {}-{last}/{}", info.read_offset, info.size_bytes))
    {
        headers.insert(CONTENT_RANGE, range);
        return StatusCode::PARTIAL_CONTENT;
    }
    StatusCode::OK
}

/// The bytes of a file as they arrive from the service.
struct File {
    messages: Messages,
    download: Download,
    /// How many of the announced bytes have not arrived yet.
    remaining: u64,
    host: Arc<dyn Host>,
    idle_timeout: Duration,
}

impl File {
    /// An error after the head becomes an error of the body: the connection breaks, so that no client takes a part of the
    /// file for the whole file.
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
                .ok_or(Error::Internal("a download is longer than its description says"))?;
            match data {
                Some(data) if data.is_empty() => {}
                None if self.remaining > 0 => {
                    return Err(Error::Internal("a download is shorter than its description says"));
                }
                data => return Ok(data),
            }
        }
    }
}
