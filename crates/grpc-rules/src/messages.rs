//! Checks the messages of a request while they pass to the service.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use aip::MAX_MESSAGE_BYTES;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::{Code, Status, body::Body};

use crate::error::Error;

/// A message starts with a flag byte and a length of four bytes.
const HEADER_BYTES: usize = 5;

/// How many messages a request must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    One,
    Any,
}

/// The position of the next byte in its message.
#[derive(Clone, Copy, Debug)]
enum Position {
    Header { read: usize, bytes: [u8; HEADER_BYTES] },
    Payload { left: usize },
}

const BOUNDARY: Position = Position::Header { read: 0, bytes: [0; HEADER_BYTES] };

/// The body of a request. It ends with an error when a message violates a rule. It copies and stores no data.
pub(crate) struct Messages {
    /// `None` after the end or an error.
    inner: Option<Body>,
    expected: Expected,
    position: Position,
    /// How many messages have started.
    started: usize,
}

impl Messages {
    pub(crate) const fn new(inner: Body, expected: Expected) -> Self {
        Self { inner: Some(inner), expected, position: BOUNDARY, started: 0 }
    }

    /// Checks the next bytes of the body.
    fn check_data(&mut self, mut data: &[u8]) -> Result<(), Error> {
        while let Some((&byte, tail)) = data.split_first() {
            match &mut self.position {
                Position::Header { read, bytes } => {
                    if *read == 0 {
                        self.started += 1;
                        if self.expected == Expected::One && self.started > 1 {
                            return Err(Error::ManyMessages);
                        }
                    }
                    if let Some(slot) = bytes.get_mut(*read) {
                        *slot = byte;
                    }
                    *read += 1;
                    if *read == HEADER_BYTES {
                        self.position = payload(*bytes)?;
                    }
                    data = tail;
                }
                Position::Payload { left } => {
                    let taken = data.len().min(*left);
                    *left -= taken;
                    if *left == 0 {
                        self.position = BOUNDARY;
                    }
                    data = data.get(taken..).unwrap_or_default();
                }
            }
        }
        Ok(())
    }

    /// Checks that the request may end here.
    const fn check_end(&self) -> Result<(), Error> {
        match (self.position, self.expected, self.started) {
            (Position::Payload { .. } | Position::Header { read: 1.., .. }, ..) => Err(Error::Truncated),
            (_, Expected::One, 0) => Err(Error::NoMessage),
            _ => Ok(()),
        }
    }

    fn check(&mut self, frame: Option<Result<Frame<Bytes>, Status>>) -> Option<Result<Frame<Bytes>, Status>> {
        let Some(frame) = frame else { return self.check_end().err().map(|error| Err(error.into())) };
        let frame = match frame {
            Ok(frame) => frame,
            // tonic 0.14.9 (`StreamingInner`) treats a body that fails with CANCELLED as one that ended normally. The service
            // would accept an incomplete stream as complete, so the code is replaced.
            Err(status) if status.code() == Code::Cancelled => return Some(Err(Error::Cancelled.into())),
            Err(status) => return Some(Err(status)),
        };
        let checked = match frame.data_ref() {
            Some(data) => self.check_data(data),
            None => self.check_end(),
        };
        Some(checked.map(|()| frame).map_err(Status::from))
    }
}

/// The position after a message's header, which is checked.
fn payload([flags, length @ ..]: [u8; HEADER_BYTES]) -> Result<Position, Error> {
    match flags {
        0 => {}
        1 => return Err(Error::Compressed),
        other => return Err(Error::Flags(other)),
    }
    let length = u32::from_be_bytes(length);
    match usize::try_from(length) {
        Ok(0) => Ok(BOUNDARY),
        Ok(left) if left <= MAX_MESSAGE_BYTES => Ok(Position::Payload { left }),
        _ => Err(Error::MessageTooLarge(length)),
    }
}

impl HttpBody for Messages {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(inner).poll_frame(cx));
        let checked = self.check(frame);
        if !matches!(checked, Some(Ok(_))) {
            self.inner = None;
        }
        Poll::Ready(checked)
    }

    /// True only after the end was checked.
    fn is_end_stream(&self) -> bool {
        self.inner.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or(SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt as _, stream};
    use http_body_util::{BodyExt as _, StreamBody};

    use super::*;

    fn message(flags: u8, declared: u32, payload: &[u8]) -> Vec<u8> {
        [&[flags], &declared.to_be_bytes()[..], payload].concat()
    }

    fn whole(payload: &[u8]) -> Vec<u8> {
        message(0, u32::try_from(payload.len()).unwrap(), payload)
    }

    fn read(expected: Expected, bytes: &[u8], chunk: usize, end: Option<Status>) -> Result<Vec<u8>, Status> {
        let mut frames: Vec<_> =
            bytes.chunks(chunk).map(|part| Ok(Frame::data(Bytes::copy_from_slice(part)))).collect();
        frames.extend(end.map(Err));
        let body = Messages::new(Body::new(StreamBody::new(stream::iter(frames))), expected);
        body.collect().now_or_never().unwrap().map(|body| body.to_bytes().to_vec())
    }

    /// The code that the request ends with. It must not depend on how the body is split into chunks.
    fn outcome(expected: Expected, bytes: &[u8]) -> Code {
        let mut codes: Vec<_> = (1..=bytes.len().max(1))
            .map(|chunk| read(expected, bytes, chunk, None).map_or_else(|status| status.code(), |_| Code::Ok))
            .collect();
        codes.dedup();
        assert_eq!(codes.len(), 1, "the result depends on the chunks: {codes:?}");
        codes.remove(0)
    }

    #[test]
    fn valid_messages_pass_unchanged() {
        let bytes = [whole(b"a"), whole(b""), whole(b"hello")].concat();
        for chunk in 1..=bytes.len() {
            assert_eq!(read(Expected::Any, &bytes, chunk, None).unwrap(), bytes);
        }
        assert_eq!(read(Expected::One, &whole(b"hello"), 3, None).unwrap(), whole(b"hello"));
    }

    #[test]
    fn an_rpc_with_one_request_message_must_get_exactly_one() {
        for payload in [&b"a"[..], b""] {
            assert_eq!(outcome(Expected::One, &whole(payload)), Code::Ok);
            assert_eq!(
                outcome(Expected::One, &[whole(payload), whole(payload)].concat()),
                Code::Unimplemented
            );
        }
        assert_eq!(outcome(Expected::One, b""), Code::Unimplemented);
        assert_eq!(outcome(Expected::Any, b""), Code::Ok);
    }

    #[test]
    fn a_malformed_message_is_internal() {
        for bytes in
            [&whole(b"hello")[..3], &whole(b"hello")[..7], &message(1, 1, b"a"), &message(2, 1, b"a")]
        {
            for expected in [Expected::One, Expected::Any] {
                assert_eq!(outcome(expected, bytes), Code::Internal, "{bytes:?}");
            }
        }
    }

    #[test]
    fn a_message_is_too_large_as_soon_as_its_length_says_so() {
        let limit = u32::try_from(MAX_MESSAGE_BYTES).unwrap();
        let mut messages = Messages::new(Body::empty(), Expected::Any);
        assert_eq!(messages.check_data(&message(0, limit, b"a")), Ok(()));
        let too_large = Err(Error::MessageTooLarge(limit + 1));
        assert_eq!(
            Messages::new(Body::empty(), Expected::Any).check_data(&message(0, limit + 1, b"")),
            too_large
        );
        assert_eq!(outcome(Expected::Any, &message(0, u32::MAX, b"a")), Code::ResourceExhausted);
    }

    #[test]
    fn a_cancelled_request_is_never_taken_as_complete() {
        let end = |status| read(Expected::Any, &whole(b"hello"), 100, Some(status)).unwrap_err().code();
        assert_eq!(end(Status::cancelled("reset")), Code::Aborted);
        assert_eq!(end(Status::unknown("reset")), Code::Unknown);
    }
}
