//! Splits the chunks of a body into frames. A frame is a flag byte, a big-endian length of four bytes, and a payload.
//! Messages have the flags 0 or 1 (compressed), trailers 0x80 or 0x81. A chunk may start and end at any byte of a frame.

use bytes::{Buf as _, Bytes, BytesMut};

use crate::error::Error;

/// The longest trailer block that is kept in memory, in bytes; a longer one is RESOURCE_EXHAUSTED.
pub(crate) const MAX_TRAILERS_BYTES: usize = 64 * 1024;

/// The flag that distinguishes trailers from a message.
pub(crate) const TRAILERS: u8 = 0x80;

/// The flag of a compressed payload.
const COMPRESSED: u8 = 0x01;

/// The number of bytes of a frame's length.
const LENGTH_BYTES: u8 = 4;

/// How to handle a trailer frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrailerFrame {
    /// The end of a gRPC-web response.
    Keep,
    /// The end of a gRPC-web request: its content is dropped, because gRPC has no request trailers.
    Skip,
    /// An error: native gRPC has no such frame.
    Reject,
}

/// Whether a body has messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyKind {
    /// No message, but possibly trailers.
    Empty,
    /// One message or more.
    Messages,
}

/// The next part of a chunk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes of messages, including their frame headers, unchanged.
    Messages(Bytes),
    /// The block of a complete trailer frame; empty if trailers are skipped.
    Trailers(Bytes),
    /// The next chunk is needed.
    Nothing,
}

/// Parses the frames of one body, chunk by chunk. Message payloads are neither copied nor collected.
#[derive(Debug)]
pub(crate) struct Frames {
    trailer_frame: TrailerFrame,
    state: State,
    body_kind: BodyKind,
}

#[derive(Debug)]
enum State {
    Boundary,
    MessageLength(Length),
    Message { left: usize },
    TrailersLength(Length),
    Trailers { left: usize, block: BytesMut },
    End,
}

/// A length whose bytes have not all arrived.
#[derive(Clone, Copy, Debug, Default)]
struct Length {
    read: u8,
    value: u32,
}

impl Length {
    /// Adds the next byte. Returns the length when it is complete.
    fn push(&mut self, byte: u8) -> Option<usize> {
        self.value = self.value << 8 | u32::from(byte);
        self.read += 1;
        (self.read == LENGTH_BYTES).then(|| usize::try_from(self.value).unwrap_or(usize::MAX))
    }
}

impl Frames {
    pub(crate) fn new(trailer_frame: TrailerFrame) -> Self {
        Self { trailer_frame, state: State::Boundary, body_kind: BodyKind::Empty }
    }

    /// Whether the body may end here.
    pub(crate) fn at_boundary(&self) -> bool {
        matches!(self.state, State::Boundary | State::End)
    }

    /// Whether a trailer frame has ended the body.
    pub(crate) fn at_end(&self) -> bool {
        matches!(self.state, State::End)
    }

    /// Whether a message has started.
    pub(crate) fn body_kind(&self) -> BodyKind {
        self.body_kind
    }

    /// Removes the next piece from the start of `chunk`, which is empty when this returns [`Piece::Nothing`].
    pub(crate) fn next(&mut self, chunk: &mut Bytes) -> Result<Piece, Error> {
        let messages = self.pass_messages(chunk)?;
        if messages > 0 {
            return Ok(Piece::Messages(chunk.split_to(messages)));
        }
        self.take_trailers(chunk)
    }

    /// How many bytes at the start of `chunk` belong to messages. Stops before a frame that is not a message.
    pub(crate) fn pass_messages(&mut self, chunk: &[u8]) -> Result<usize, Error> {
        let mut rest = chunk;
        while let Some((&byte, tail)) = rest.split_first() {
            match &mut self.state {
                State::Boundary => match byte & !COMPRESSED {
                    0 => {
                        self.body_kind = BodyKind::Messages;
                        self.state = State::MessageLength(Length::default());
                        rest = tail;
                    }
                    // Earlier messages are passed on first, so that the result does not depend on the chunks.
                    _ if rest.len() < chunk.len() => break,
                    TRAILERS if self.trailer_frame != TrailerFrame::Reject => break,
                    _ => return Err(Error::Flags(byte)),
                },
                State::MessageLength(length) => {
                    if let Some(left) = length.push(byte) {
                        self.state = if left == 0 { State::Boundary } else { State::Message { left } };
                    }
                    rest = tail;
                }
                State::Message { left } => {
                    let taken = rest.len().min(*left);
                    rest = rest.get(taken..).unwrap_or_default();
                    *left -= taken;
                    if *left == 0 {
                        self.state = State::Boundary;
                    }
                }
                State::TrailersLength(_) | State::Trailers { .. } | State::End => break,
            }
        }
        Ok(chunk.len() - rest.len())
    }

    fn take_trailers(&mut self, chunk: &mut Bytes) -> Result<Piece, Error> {
        while let Some(&byte) = chunk.first() {
            match &mut self.state {
                State::Boundary => {
                    // Requests never ask for compression, and decompression would be open to a compression bomb.
                    if byte & COMPRESSED != 0 && self.trailer_frame == TrailerFrame::Keep {
                        return Err(Error::CompressedTrailers);
                    }
                    self.state = State::TrailersLength(Length::default());
                    chunk.advance(1);
                }
                State::TrailersLength(length) => {
                    chunk.advance(1);
                    if let Some(left) = length.push(byte) {
                        self.begin_trailers(left)?;
                    }
                }
                State::Trailers { left, block } => {
                    let part = chunk.split_to(chunk.len().min(*left));
                    *left -= part.len();
                    if self.trailer_frame == TrailerFrame::Keep {
                        block.extend_from_slice(&part);
                    }
                }
                State::End => return Err(Error::AfterTrailers),
                // Cannot happen: `pass_messages` has removed all bytes of messages.
                State::MessageLength(_) | State::Message { .. } => break,
            }
            if let State::Trailers { left: 0, block } = &mut self.state {
                let block = block.split().freeze();
                self.state = State::End;
                return Ok(Piece::Trailers(block));
            }
        }
        Ok(Piece::Nothing)
    }

    fn begin_trailers(&mut self, left: usize) -> Result<(), Error> {
        if self.trailer_frame == TrailerFrame::Keep && left > MAX_TRAILERS_BYTES {
            return Err(Error::TrailersTooLarge(left));
        }
        self.state = State::Trailers { left, block: BytesMut::new() };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(flags: u8, length: u32) -> Bytes {
        [&[flags][..], &length.to_be_bytes()].concat().into()
    }

    #[test]
    fn a_message_passes_without_a_copy() {
        let mut chunk = Bytes::from_static(b"\0\0\0\0\x03abc");
        let at = chunk.as_ptr();
        let Piece::Messages(passed) = Frames::new(TrailerFrame::Keep).next(&mut chunk).unwrap() else {
            panic!("not a message");
        };
        assert_eq!((passed.as_ptr(), passed.len()), (at, 8));
    }

    #[test]
    fn skipped_trailers_of_four_gigabytes_use_no_memory() {
        let mut frames = Frames::new(TrailerFrame::Skip);
        assert_eq!(frames.next(&mut header(TRAILERS, u32::MAX)), Ok(Piece::Nothing));
        assert_eq!(frames.next(&mut Bytes::from_static(&[0; 4096])), Ok(Piece::Nothing));
        let State::Trailers { block, .. } = &frames.state else { panic!("not in the trailers") };
        assert_eq!(block.capacity(), 0);
    }

    #[test]
    fn kept_trailers_use_no_more_memory_than_has_arrived() {
        let mut frames = Frames::new(TrailerFrame::Keep);
        assert_eq!(frames.next(&mut header(TRAILERS, 60_000)), Ok(Piece::Nothing));
        let State::Trailers { block, .. } = &frames.state else { panic!("not in the trailers") };
        assert_eq!(block.capacity(), 0);
    }
}
