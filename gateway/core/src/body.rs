//! Reads request bodies, up to a limit of bytes.

use std::{pin::Pin, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE},
};
use http_body::Body as _;
use tonic::{Code, body::Body};

use crate::{deadline::Deadline, error::Error, ports::Host};

/// Reads a whole JSON body of at most `limit` bytes. An absent body is read as empty.
///
/// # Errors
/// If it is too large or incomplete, or if its headers declare something else than plain JSON.
pub(crate) async fn read_json(headers: &HeaderMap, body: Body, limit: u64) -> Result<Bytes, Error> {
    reject_encoding(headers)?;
    check_length(headers, limit)?;
    let bytes = read(body, limit).await?;
    let declared = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    match declared {
        Some(declared) if !bytes.is_empty() && !is_json(declared) => {
            Err(Error::MediaType { expected: "application/json".to_owned() })
        }
        Some(_) | None => Ok(bytes),
    }
}

/// Requires that there is no body.
///
/// # Errors
/// If there is one.
pub(crate) async fn expect_none(body: Body) -> Result<(), Error> {
    match read(body, 0).await {
        Ok(_) => Ok(()),
        Err(Error::BodyTooLarge { .. }) => Err(Error::UnexpectedBody),
        Err(error) => Err(error),
    }
}

/// Checks the declared length of a body against `limit`, before the body is read.
///
/// # Errors
/// If the declared length is larger.
pub(crate) fn check_length(headers: &HeaderMap, limit: u64) -> Result<(), Error> {
    match content_length(headers) {
        Some(length) if length > limit => Err(Error::BodyTooLarge { limit }),
        Some(_) | None => Ok(()),
    }
}

/// The declared length of a body.
pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Rejects a compressed body, because its size is not known before it is decompressed.
///
/// # Errors
/// If the body is compressed.
pub(crate) fn reject_encoding(headers: &HeaderMap) -> Result<(), Error> {
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            Err(Error::ContentEncoding)
        }
        Some(_) | None => Ok(()),
    }
}

fn is_json(media_type: &[u8]) -> bool {
    let essence = media_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case(b"application/json")
}

async fn read(mut body: Body, limit: u64) -> Result<Bytes, Error> {
    let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
    let fits = |length: usize| u64::try_from(length).is_ok_and(|length| length <= limit);
    if !fits(first.len()) {
        return Err(Error::BodyTooLarge { limit });
    }
    let Some(second) = next(&mut body).await? else { return Ok(first) };
    let mut whole = BytesMut::from(first);
    let mut chunk = Some(second);
    while let Some(more) = chunk {
        if !fits(whole.len() + more.len()) {
            return Err(Error::BodyTooLarge { limit });
        }
        whole.extend_from_slice(&more);
        chunk = next(&mut body).await?;
    }
    Ok(whole.freeze())
}

/// The next bytes; `None` at the end.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Error> {
    loop {
        let frame = std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await;
        let Some(frame) = frame else { return Ok(None) };
        let frame = frame.map_err(|status| match status.code() {
            // The host's limit for slow senders.
            Code::DeadlineExceeded => Error::BodyIdle,
            _ => Error::BodyIncomplete(status.into()),
        })?;
        match frame.into_data() {
            Ok(data) if data.is_empty() => {}
            Ok(data) => return Ok(Some(data)),
            // The gateway ignores the trailers of an HTTP request.
            Err(_) => return Ok(None),
        }
    }
}

/// A request body that is forwarded while it arrives.
pub(crate) struct Incoming {
    body: Body,
    idle_timeout: Duration,
    host: std::sync::Arc<dyn Host>,
}

impl Incoming {
    pub(crate) const fn new(body: Body, idle_timeout: Duration, host: std::sync::Arc<dyn Host>) -> Self {
        Self { body, idle_timeout, host }
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// If the connection breaks, or no bytes arrive within the idle timeout.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let mut idle = Deadline::start(&*self.host, self.idle_timeout);
        idle.within(next(&mut self.body)).await.unwrap_or(Err(Error::BodyIdle))
    }
}
