//! Checks of bodies: every adapter applies [`checked`] to a body that it stores, and, unless it reads the bytes from a file
//! itself, [`require_length`] to a body that it returns.

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::{ByteStream, Error};

/// The body of an upload, checked: each of its failures is [`Error::Body`], because the sender failed, not the store. If
/// `size` was announced, it fails as soon as it has more bytes, and at its end if it has fewer.
pub fn checked(body: ByteStream, size: Option<u64>) -> ByteStream {
    match size {
        Some(size) => require_size(size, body),
        None => body.map_err(as_body_error).boxed(),
    }
}

/// The body of a download, checked to have `length` bytes: a connection that ends early must not look like a smaller object.
/// It fails with [`Error::Unavailable`] if it has fewer bytes, and with [`Error::Broken`] if it has more.
pub fn require_length(length: u64, body: ByteStream) -> ByteStream {
    let chunks = stream::try_unfold((body, length), |(mut body, missing)| async move {
        match body.try_next().await? {
            Some(chunk) => match missing.checked_sub(chunk.len() as u64) {
                Some(missing) => Ok(Some((chunk, (body, missing)))),
                None => Err(Error::broken("the store sent more bytes than it announced")),
            },
            None if missing == 0 => Ok(None),
            None => {
                Err(Error::unavailable(format!("the store ended the body {missing} bytes before its end")))
            }
        }
    });
    chunks.boxed()
}

/// The last chunk is held back until `body` has ended, because a store considers an object complete once it has the announced
/// number of bytes.
fn require_size(size: u64, body: ByteStream) -> ByteStream {
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

    fn body(chunks: &[&'static [u8]]) -> ByteStream {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk))).collect();
        stream::iter(chunks).boxed()
    }

    fn read(size: u64, chunks: &[&'static [u8]]) -> Result<Vec<Bytes>> {
        checked(body(chunks), Some(size)).try_collect().now_or_never().unwrap()
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
        let mut body = checked(endless.chain(stream::pending()).boxed(), Some(4));
        assert_eq!(body.try_next().now_or_never().unwrap().unwrap().unwrap(), "ab");
        assert!(body.try_next().now_or_never().is_none());
    }

    #[test]
    fn a_failure_of_the_sender_is_a_body_error() {
        for size in [Some(4), None] {
            let gone = stream::iter([Err(Error::unavailable("gone"))]).boxed();
            let read: Result<Vec<_>> = checked(gone, size).try_collect().now_or_never().unwrap();
            assert!(matches!(read, Err(Error::Body(_))), "{size:?}");
        }
    }

    fn download(length: u64, chunks: &[&'static [u8]]) -> Vec<Result<Bytes>> {
        require_length(length, body(chunks)).collect().now_or_never().unwrap()
    }

    #[test]
    fn a_download_must_have_the_announced_length() {
        let [complete, short, long] = [4, 5, 3].map(|length| download(length, &[b"ab", b"cd"]));
        assert!(complete.len() == 2 && complete.iter().all(Result::is_ok), "{complete:?}");
        assert!(matches!(short.as_slice(), [Ok(_), Ok(_), Err(Error::Unavailable(_))]), "{short:?}");
        assert!(matches!(long.as_slice(), [Ok(_), Err(Error::Broken(_))]), "{long:?}");
        assert!(download(0, &[]).is_empty());
    }
}
