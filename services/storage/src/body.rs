//! What every adapter does to a body before it stores it.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{ByteStream, Error};

/// `body`, which fails as soon as it has more than `size` bytes, and at its end if it has fewer. Its last bytes come when
/// it is known to have no more: a store takes an object for whole once it has as many bytes as were announced.
///
/// # Errors
/// Each failure of the stream is [`Error::Body`].
pub fn exactly(size: u64, body: ByteStream) -> ByteStream {
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

/// `body`, whose failures are its sender's.
pub fn blame_sender(body: ByteStream) -> ByteStream {
    body.map_err(as_body_error).boxed()
}

fn as_body_error(error: Error) -> Error {
    match error {
        Error::Body(_) => error,
        other => Error::Body(Box::new(other)),
    }
}

fn wrong_size(more_or_fewer: &str, size: u64) -> Error {
    Error::Body(format!("{more_or_fewer} bytes than the {size} that were announced").into())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::FutureExt;

    use super::*;
    use crate::Result;

    fn read(size: u64, chunks: &[&'static [u8]]) -> Result<Vec<Bytes>> {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk))).collect();
        exactly(size, stream::iter(chunks).boxed()).try_collect().now_or_never().unwrap()
    }

    #[test]
    fn a_body_has_exactly_the_size_that_was_announced() {
        assert_eq!(read(4, &[b"ab", b"cd"]).unwrap().concat(), b"abcd");
        assert!(read(0, &[]).unwrap().is_empty());
        assert_eq!(read(4, &[b"", b"abcd", b""]).unwrap().concat(), b"abcd");
        for size in [0, 1, 2, 3, 5] {
            assert!(matches!(read(size, &[b"ab", b"cd"]), Err(Error::Body(_))), "{size}");
        }
    }

    #[test]
    fn the_last_bytes_wait_for_the_end() {
        let endless = stream::iter([Ok(Bytes::from_static(b"ab")), Ok(Bytes::from_static(b"cd"))]);
        let mut body = exactly(4, endless.chain(stream::pending()).boxed());
        assert_eq!(body.try_next().now_or_never().unwrap().unwrap().unwrap(), "ab");
        assert!(body.try_next().now_or_never().is_none());
    }

    #[test]
    fn a_sender_that_fails_is_a_body_that_ended_early() {
        let gone = stream::iter([Err(Error::unavailable("gone"))]).boxed();
        let read: Result<Vec<_>> = exactly(4, gone).try_collect().now_or_never().unwrap();
        assert!(matches!(read, Err(Error::Body(_))));
    }
}
