//! gRPC's message framing, where the gateway itself is the client: a prefix of five bytes before each message, and the
//! status in the trailers.

use std::pin::Pin;

use aip::MAX_MESSAGE_BYTES;
use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, Response};
use http_body::Body as _;
use tonic::body::Body;

use crate::{error::Error, grpc::GRPC_STATUS};

/// The size of a message's prefix: a flag byte and the length.
pub(crate) const PREFIX_BYTES: usize = 5;

/// The prefix of a message of `length` bytes.
///
/// # Errors
/// If the length does not fit 32 bits.
pub(crate) fn prefix(length: usize) -> Result<[u8; PREFIX_BYTES], Error> {
    let length =
        u32::try_from(length).map_err(|_| Error::Internal("the request's length does not fit 32 bits"))?;
    let [a, b, c, d] = length.to_be_bytes();
    Ok([0, a, b, c, d])
}

/// `message` as the whole body of a call.
///
/// # Errors
/// If its length does not fit 32 bits.
pub(crate) fn body(message: &[u8]) -> Result<Body, Error> {
    let mut framed = Vec::with_capacity(PREFIX_BYTES + message.len());
    framed.extend_from_slice(&prefix(message.len())?);
    framed.extend_from_slice(message);
    Ok(Body::new(http_body_util::Full::new(Bytes::from(framed))))
}

/// A service's response: its messages in order, then its status.
#[derive(Debug)]
pub(crate) struct Messages {
    body: Body,
    buffered: BytesMut,
    /// The unread rest of one frame of the body. Messages that lie within it are not copied.
    chunk: Bytes,
    state: State,
}

#[derive(Debug)]
enum State {
    Open,
    /// The body has ended with the status OK.
    Ended(HeaderMap),
}

impl Messages {
    /// Reads the head of a response.
    ///
    /// # Errors
    /// The status, if the head has one that is not OK. [`Error::NotGrpc`], if the response is not gRPC.
    pub(crate) fn open(response: Response<Body>) -> Result<(HeaderMap, Self), Error> {
        let (head, body) = response.into_parts();
        let state = if head.headers.contains_key(GRPC_STATUS) {
            State::Ended(require_ok(head.headers.clone())?)
        } else if head.status.is_success() {
            State::Open
        } else {
            let code = grpc_web::status_from_http(head.status);
            return Err(Error::NotGrpc { http_status: head.status, code });
        };
        Ok((head.headers, Self { body, buffered: BytesMut::new(), chunk: Bytes::new(), state }))
    }

    /// The next message; `None` when all messages were read and the status is OK.
    ///
    /// # Errors
    /// The status, if it is not OK; or an error, if the response is incomplete or is not gRPC.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if let Some(message) = self.take_message()? {
                return Ok(Some(message));
            }
            if !self.read().await? {
                return Ok(None);
            }
        }
    }

    /// The only message of a call with one response, and the trailers.
    ///
    /// # Errors
    /// As [`Messages::next`]; and if there is no message, or more than one.
    pub(crate) async fn only(mut self) -> Result<(Bytes, HeaderMap), Error> {
        const NONE: Error = Error::Internal("a call with one response received no message");
        let message = self.next().await?.ok_or(NONE)?;
        match (self.next().await?, self.state) {
            (None, State::Ended(trailers)) => Ok((message, trailers)),
            _ => Err(Error::Internal("a call with one response received several messages")),
        }
    }

    fn take_message(&mut self) -> Result<Option<Bytes>, Error> {
        if self.buffered.is_empty() {
            let Some(length) = message_length(&self.chunk)? else {
                self.buffered.extend_from_slice(&std::mem::take(&mut self.chunk));
                return Ok(None);
            };
            if let Some(message) = take_framed(&mut self.chunk, length) {
                return Ok(Some(message));
            }
            self.buffered.reserve(PREFIX_BYTES + length);
        }
        self.fill_buffer()
    }

    /// Moves exactly the rest of a message that lies across buffer and chunk from the chunk to the buffer.
    fn fill_buffer(&mut self) -> Result<Option<Bytes>, Error> {
        self.move_up_to(PREFIX_BYTES);
        let Some(length) = message_length(&self.buffered)? else { return Ok(None) };
        self.move_up_to(PREFIX_BYTES + length);
        if self.buffered.len() < PREFIX_BYTES + length {
            return Ok(None);
        }
        let mut message = std::mem::take(&mut self.buffered).freeze();
        message.advance(PREFIX_BYTES);
        Ok(Some(message))
    }

    fn move_up_to(&mut self, length: usize) {
        let missing = length.saturating_sub(self.buffered.len()).min(self.chunk.len());
        self.buffered.extend_from_slice(&self.chunk.split_to(missing));
    }

    /// Reads the next frame; `false` at the end.
    async fn read(&mut self) -> Result<bool, Error> {
        if let State::Ended(_) = self.state {
            return if self.buffered.is_empty() { Ok(false) } else { Err(INCOMPLETE) };
        }
        let frame = std::future::poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await;
        let frame = frame.ok_or(INCOMPLETE)?.map_err(|status| Error::Unreachable(status.into()))?;
        match frame.into_data() {
            Ok(data) => self.chunk = data,
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                self.state = State::Ended(require_ok(trailers)?);
            }
        }
        Ok(true)
    }
}

const INCOMPLETE: Error = Error::Internal("the response ended in a message or without a status");

/// Returns `trailers` if their status is OK.
///
/// # Errors
/// The status, if it is another; or [`INCOMPLETE`], if there is none.
fn require_ok(trailers: HeaderMap) -> Result<HeaderMap, Error> {
    if grpc_web::is_ok(&trailers) {
        return Ok(trailers);
    }
    let status = grpc_web::status_from_trailers(&trailers).ok_or(INCOMPLETE)?;
    Err(Error::Service(Box::new(status)))
}

fn take_framed(chunk: &mut Bytes, length: usize) -> Option<Bytes> {
    let end = PREFIX_BYTES + length;
    (chunk.len() >= end).then(|| chunk.split_to(end).split_off(PREFIX_BYTES))
}

/// The length of the first message in `framed`; `None` if its prefix is not complete yet.
fn message_length(framed: &[u8]) -> Result<Option<usize>, Error> {
    let Some(([flag, a, b, c, d], _)) = framed.split_first_chunk() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
    match flag {
        0 if length <= MAX_MESSAGE_BYTES => Ok(Some(length)),
        0 => Err(Error::Internal("a response message is longer than the limit")),
        _ => Err(Error::Internal("a response message is compressed, but the request did not accept that")),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, stream};
    use http_body::Frame;
    use http_body_util::StreamBody;
    use tonic::Status;

    use super::*;

    fn messages(framed: &[u8], chunk: usize, trailers: bool) -> Messages {
        let mut frames: Vec<Result<_, Status>> =
            framed.chunks(chunk).map(|part| Ok(Frame::data(Bytes::copy_from_slice(part)))).collect();
        if trailers {
            frames.push(Ok(Frame::trailers(grpc_web::trailers_from_status(&Status::ok("")))));
        }
        let body = Body::new(StreamBody::new(stream::iter(frames)));
        Messages::open(Response::new(body)).unwrap().1
    }

    #[test]
    fn messages_are_read_whole_however_the_body_is_split() {
        let texts: [&[u8]; 4] = [b"", b"a", b"hello", &[7; 300]];
        let framed: Vec<u8> =
            texts.iter().flat_map(|text| [&prefix(text.len()).unwrap()[..], text].concat()).collect();
        for chunk in 1..=framed.len() {
            let mut messages = messages(&framed, chunk, true);
            let mut next = || messages.next().now_or_never().unwrap().unwrap();
            for text in texts {
                assert_eq!(next().unwrap(), text, "in chunks of {chunk}");
            }
            assert_eq!(next(), None);
        }
    }

    #[test]
    fn an_incomplete_response_is_an_error() {
        let framed = [&prefix(5).unwrap()[..], b"hello"].concat();
        let ends = |framed: &[u8], trailers| {
            let mut messages = messages(framed, 4, trailers);
            let last = async {
                while messages.next().await?.is_some() {}
                Ok::<_, Error>(())
            };
            last.now_or_never().unwrap()
        };
        assert!(ends(&framed, true).is_ok());
        assert!(ends(&framed, false).is_err());
        for cut in 1..framed.len() {
            assert!(ends(&framed[..cut], true).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_message_beyond_the_limit_is_rejected_by_its_declared_length() {
        let length = |length| message_length(&prefix(length).unwrap());
        assert!(length(MAX_MESSAGE_BYTES).is_ok());
        assert!(length(MAX_MESSAGE_BYTES + 1).is_err());
    }
}
