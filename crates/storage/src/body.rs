//! Checks that every adapter applies to a body before it stores it.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{ByteStream, Error};

/// Returns `body` with its size checked: it fails as soon as it has more than `size` bytes, and at its end if it has fewer.
/// The last chunk is held back until `body` has ended, because a store considers an object complete once it has the
/// announced number of bytes.
///
/// # Errors
/// Each failure of the stream is [`Error::Body`].
pub fn require_size(size: u64, body: ByteStream) -> ByteStream {
    let chunks = stream::try_unfold(Some((body, size)), move |state| async move {
        let Some((mut body, missing)) = state else { return Ok(None) };
        let Some(chunk) = body.try_next().await.map_err(as_body_error)? else {
            return if missing == 0 { Ok(None) } else { Err(wrong_size("fewer", size)) };
        };
        let missing = missing.checked_sub(chunk.len() as u64).ok_or_else(|| wrong_size("more", size))?;
        if missing > 0 {
            return Ok(Some((chunk, Some((body, missing)))));
        }
        while let Some(chunk) = body.try_next().await.map_err(as_body_error)? {
            if !chunk.is_empty() {
                return Err(wrong_size("more", size));
            }
        }
        Ok(Some((chunk, None)))
    });
    chunks.boxed()
}

/// Returns `body` with each of its failures as [`Error::Body`]: the sender failed, not the store.
pub fn map_body_errors(body: ByteStream) -> ByteStream {
    body.map_err(as_body_error).boxed()
}

fn as_body_error(error: Error) -> Error {
    match error {
        Error::Body(_) => error,
        other => Error::Body(Box::new(other)),
    }
}

fn wrong_size(more_or_fewer: &str, size: u64) -> Error {
    Error::Body(format!("the body has {more_or_fewer} bytes than the {size} that were announced").into())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::FutureExt;

    use super::*;
    use crate::Result;

    fn read(size: u64, chunks: &[&'static [u8]]) -> Result<Vec<Bytes>> {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk))).collect();
        require_size(size, stream::iter(chunks).boxed()).try_collect().now_or_never().unwrap()
    }

    #[test]
    fn a_body_must_have_the_announced_size() {
        assert_eq!(read(4, &[b"ab", b"cd"]).unwrap().concat(), b"abcd");
        assert!(read(0, &[]).unwrap().is_empty());
        assert_eq!(read(4, &[b"", b"abcd", b""]).unwrap().concat(), b"abcd");
        for size in [0, 1, 2, 3, 5] {
            assert!(matches!(read(size, &[b"ab", b"cd"]), Err(Error::Body(_))), "{size}");
        }
    }

    #[test]
    fn the_last_chunk_is_held_back_until_the_body_ends() {
        let endless = stream::iter([Ok(Bytes::from_static(b"ab")), Ok(Bytes::from_static(b"cd"))]);
        let mut body = require_size(4, endless.chain(stream::pending()).boxed());
        assert_eq!(body.try_next().now_or_never().unwrap().unwrap().unwrap(), "ab");
        assert!(body.try_next().now_or_never().is_none());
    }

    #[test]
    fn a_failure_of_the_sender_is_a_body_error() {
        let gone = stream::iter([Err(Error::unavailable("gone"))]).boxed();
        let read: Result<Vec<_>> = require_size(4, gone).try_collect().now_or_never().unwrap();
        assert!(matches!(read, Err(Error::Body(_))));
    }
}
