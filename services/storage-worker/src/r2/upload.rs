//! Stores a body of known length, as it comes.

use std::pin::pin;

use futures_util::{
    StreamExt, TryStreamExt,
    future::{Either, select},
    stream,
};
use storage::{ByteStream, Error, ObjectKey, Result};
use worker::{
    js_sys::{BigInt, Uint8Array, futures::spawn_local},
    wasm_bindgen::JsValue,
    web_sys::WritableStreamDefaultWriter,
    worker_sys::{FixedLengthStream, R2Bucket},
};

use super::{
    PATIENCE, answered,
    failure::{classify, classify_thrown, no_answer},
};
use crate::{promise::settled, timer::within};

/// Feeds `body` to the runtime, which sends it on to R2 at R2's pace. Dropped midway, it stores nothing.
pub(super) async fn put(
    bucket: &R2Bucket,
    key: &ObjectKey,
    body: ByteStream,
    size: u64,
    metadata: JsValue,
) -> Result<u64> {
    let pipe = FixedLengthStream::new_big_int(BigInt::from(size)).map_err(classify_thrown)?;
    let feed = Feed::open(&pipe)?;
    let stored = pin!(settled(bucket.put(key.to_string(), pipe.readable().into(), metadata)));
    let fed = pin!(feed.run(exactly(size, body)));
    match select(fed, stored).await {
        Either::Left((Err(error @ (Error::Body(_) | Error::Unavailable(_))), _)) => return Err(error),
        Either::Left((fed, stored)) => {
            // A pipe that takes no more is R2's failure, and R2 says why.
            let stored = within(PATIENCE, stored).await.ok_or_else(no_answer)?;
            stored.map_err(classify)?;
            fed?;
        }
        // R2 is done before the runtime says that it has everything, or R2 has failed.
        Either::Right((stored, _)) => drop(stored.map_err(classify)?),
    }
    Ok(size)
}

/// The end of a pipe that takes the bytes. Unless it was closed after the last one, what was written so far is void.
struct Feed {
    writer: WritableStreamDefaultWriter,
    is_closed: bool,
}

impl Feed {
    fn open(pipe: &FixedLengthStream) -> Result<Self> {
        Ok(Self { writer: pipe.writable().get_writer().map_err(classify_thrown)?, is_closed: false })
    }

    async fn run(mut self, mut body: ByteStream) -> Result<()> {
        while let Some(chunk) = body.try_next().await? {
            if chunk.is_empty() {
                continue;
            }
            let chunk = Uint8Array::from(chunk.as_ref());
            answered(Ok(self.writer.write_with_chunk(&chunk))).await?;
        }
        self.is_closed = true;
        answered(Ok(self.writer.close())).await?;
        Ok(())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if !self.is_closed {
            let aborted = self.writer.abort_with_reason(&JsValue::from_str("the body ended early"));
            // Nobody waits for it, but a rejection that nobody hears of would be logged as a bug.
            spawn_local(async move { drop(settled(Ok(aborted)).await) });
        }
    }
}

/// `body`, which fails as soon as it has more than `size` bytes, and at its end if it has fewer. Its last bytes come when
/// it is known to have no more: R2 takes an object for whole once it has as many bytes as were announced.
pub(super) fn exactly(size: u64, body: ByteStream) -> ByteStream {
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

/// The sender's failure, as the port names it.
pub(super) fn as_body_error(error: Error) -> Error {
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
