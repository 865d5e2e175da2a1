//! The messages of a request, checked while they pass.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use aip::MAX_MESSAGE_BYTES;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::{Code, Status, body::Body};

use crate::error::Error;

/// A message begins with a flag byte and a length.
const HEADER_BYTES: usize = 5;

/// How many messages a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    One,
    Any,
}

/// Where in the messages the bytes are.
#[derive(Clone, Copy, Debug)]
enum Place {
    Header { read: usize, bytes: [u8; HEADER_BYTES] },
    Payload { left: usize },
}

const BOUNDARY: Place = Place::Header { read: 0, bytes: [0; HEADER_BYTES] };

/// The body of a request, which ends with an error where its messages break a rule. Nothing is copied or kept.
pub(crate) struct Messages {
    /// `None` after the end or an error.
    inner: Option<Body>,
    expected: Expected,
    place: Place,
    begun: usize,
}

impl Messages {
    pub(crate) const fn new(inner: Body, expected: Expected) -> Self {
        Self { inner: Some(inner), expected, place: BOUNDARY, begun: 0 }
    }

    /// Follows the messages through the next bytes of the body.
    fn pass(&mut self, mut data: &[u8]) -> Result<(), Error> {
        while let Some((&byte, tail)) = data.split_first() {
            match &mut self.place {
                Place::Header { read, bytes } => {
                    if *read == 0 {
                        self.begun += 1;
                        if self.expected == Expected::One && self.begun > 1 {
                            return Err(Error::ManyMessages);
                        }
                    }
                    if let Some(place) = bytes.get_mut(*read) {
                        *place = byte;
                    }
                    *read += 1;
                    if *read == HEADER_BYTES {
                        self.place = payload(*bytes)?;
                    }
                    data = tail;
                }
                Place::Payload { left } => {
                    let taken = data.len().min(*left);
                    *left -= taken;
                    if *left == 0 {
                        self.place = BOUNDARY;
                    }
                    data = data.get(taken..).unwrap_or_default();
                }
            }
        }
        Ok(())
    }

    /// Whether the request may end here.
    const fn end(&self) -> Result<(), Error> {
        match (self.place, self.expected, self.begun) {
            (Place::Payload { .. } | Place::Header { read: 1.., .. }, ..) => Err(Error::Truncated),
            (_, Expected::One, 0) => Err(Error::NoMessage),
            _ => Ok(()),
        }
    }

    fn check(&mut self, frame: Option<Result<Frame<Bytes>, Status>>) -> Option<Result<Frame<Bytes>, Status>> {
        let Some(frame) = frame else { return self.end().err().map(|error| Err(error.into())) };
        let frame = match frame {
            Ok(frame) => frame,
            // tonic takes a request that fails with this code for one that has ended well (0.14.9, `StreamingInner`): half a
            // stream would pass for a whole one.
            Err(status) if status.code() == Code::Cancelled => return Some(Err(Error::GivenUp.into())),
            Err(status) => return Some(Err(status)),
        };
        let passed = match frame.data_ref() {
            Some(data) => self.pass(data),
            None => self.end(),
        };
        Some(passed.map(|()| frame).map_err(Status::from))
    }
}

/// The payload behind a header.
fn payload([flags, length @ ..]: [u8; HEADER_BYTES]) -> Result<Place, Error> {
    match flags {
        0 => {}
        1 => return Err(Error::Compressed),
        other => return Err(Error::Flags(other)),
    }
    let length = u32::from_be_bytes(length);
    match usize::try_from(length) {
        Ok(0) => Ok(BOUNDARY),
        Ok(left) if left <= MAX_MESSAGE_BYTES => Ok(Place::Payload { left }),
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

    /// Not before the end was checked.
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

    /// The code of what the request ends with, however its body is cut.
    fn outcome(expected: Expected, bytes: &[u8]) -> Code {
        let mut codes: Vec<_> = (1..=bytes.len().max(1))
            .map(|chunk| read(expected, bytes, chunk, None).map_or_else(|status| status.code(), |_| Code::Ok))
            .collect();
        codes.dedup();
        assert_eq!(codes.len(), 1, "it hangs on the chunks: {codes:?}");
        codes.remove(0)
    }

    #[test]
    fn good_messages_pass_unchanged() {
        let bytes = [whole(b"a"), whole(b""), whole(b"hello")].concat();
        for chunk in 1..=bytes.len() {
            assert_eq!(read(Expected::Any, &bytes, chunk, None).unwrap(), bytes);
        }
        assert_eq!(read(Expected::One, &whole(b"hello"), 3, None).unwrap(), whole(b"hello"));
    }

    #[test]
    fn an_rpc_that_takes_one_message_gets_one() {
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
    fn a_message_that_is_malformed_is_internal() {
        for bytes in
            [&whole(b"hello")[..3], &whole(b"hello")[..7], &message(1, 1, b"a"), &message(2, 1, b"a")]
        {
            for expected in [Expected::One, Expected::Any] {
                assert_eq!(outcome(expected, bytes), Code::Internal, "{bytes:?}");
            }
        }
    }

    #[test]
    fn a_message_is_too_large_by_its_length_alone() {
        let limit = u32::try_from(MAX_MESSAGE_BYTES).unwrap();
        let mut messages = Messages::new(Body::empty(), Expected::Any);
        assert_eq!(messages.pass(&message(0, limit, b"a")), Ok(()));
        let too_large = Err(Error::MessageTooLarge(limit + 1));
        assert_eq!(Messages::new(Body::empty(), Expected::Any).pass(&message(0, limit + 1, b"")), too_large);
        assert_eq!(outcome(Expected::Any, &message(0, u32::MAX, b"a")), Code::ResourceExhausted);
    }

    #[test]
    fn a_request_that_was_given_up_never_passes_for_a_whole_one() {
        let end = |status| read(Expected::Any, &whole(b"hello"), 100, Some(status)).unwrap_err().code();
        assert_eq!(end(Status::cancelled("reset")), Code::Aborted);
        assert_eq!(end(Status::unknown("reset")), Code::Unknown);
    }
}
