//! Reads a file forwards, chunk by chunk.

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};

use crate::image::UnknownSize;

/// The longest part of a header that is kept in memory.
pub(super) const MAX_HEADER_BYTES: usize = 256 * 1024;

/// The result of a read, or why the size remains unknown.
pub(super) type Result<T> = std::result::Result<T, UnknownSize>;

/// A file that can only be read forwards. At the end of the file, all methods fail with [`UnknownSize::Truncated`].
pub(super) struct Forward<S> {
    chunks: S,
    rest: Bytes,
    position: u64,
}

impl<S: Stream<Item = Bytes> + Send + Unpin> Forward<S> {
    /// Starts at the first byte of the file in `chunks`.
    pub(super) const fn new(chunks: S) -> Self {
        Self { chunks, rest: Bytes::new(), position: 0 }
    }

    /// The offset of the next byte.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// Skips to `offset`. Fails with [`UnknownSize::Malformed`] if it is before the current position.
    pub(super) async fn seek(&mut self, offset: u64) -> Result<()> {
        let mut left = offset.checked_sub(self.position).ok_or(UnknownSize::Malformed)?;
        loop {
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(self.rest.len());
            self.rest.advance(step);
            left -= step as u64;
            if left == 0 {
                self.position = offset;
                return Ok(());
            }
            self.next_chunk().await?;
        }
    }

    /// Skips `length` bytes.
    pub(super) async fn skip(&mut self, length: u64) -> Result<()> {
        self.seek(self.position.checked_add(length).ok_or(UnknownSize::Malformed)?).await
    }

    /// Skips to the byte after the next `wanted`.
    pub(super) async fn skip_past(&mut self, wanted: u8) -> Result<()> {
        loop {
            if let Some(index) = self.rest.iter().position(|byte| *byte == wanted) {
                return self.skip(index as u64 + 1).await;
            }
            self.skip(self.rest.len() as u64).await?;
            self.next_chunk().await?;
        }
    }

    /// Reads the next `length` bytes. Fails with [`UnknownSize::HeaderTooLong`] above [`MAX_HEADER_BYTES`].
    pub(super) async fn take(&mut self, length: usize) -> Result<Bytes> {
        if length > MAX_HEADER_BYTES {
            return Err(UnknownSize::HeaderTooLong);
        }
        self.position += length as u64;
        if self.rest.len() >= length {
            return Ok(self.rest.split_to(length));
        }
        let mut taken = BytesMut::with_capacity(length);
        loop {
            let step = (length - taken.len()).min(self.rest.len());
            taken.extend_from_slice(&self.rest.split_to(step));
            if taken.len() == length {
                return Ok(taken.freeze());
            }
            self.next_chunk().await?;
        }
    }

    /// Reads the bytes up to `end`, with the limit of [`Self::take`].
    pub(super) async fn take_until(&mut self, end: u64) -> Result<Bytes> {
        let length = end.checked_sub(self.position).ok_or(UnknownSize::Malformed)?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX)).await
    }

    /// Reads the next `N` bytes.
    pub(super) async fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N).await?.as_ref().try_into().map_err(|_| UnknownSize::Malformed)
    }

    /// Reads the next byte.
    pub(super) async fn byte(&mut self) -> Result<u8> {
        loop {
            if let Ok(byte) = self.rest.try_get_u8() {
                self.position += 1;
                return Ok(byte);
            }
            self.next_chunk().await?;
        }
    }

    async fn next_chunk(&mut self) -> Result<()> {
        self.rest = self.chunks.next().await.ok_or(UnknownSize::Truncated)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn file(chunks: &'static [&'static [u8]]) -> Forward<impl Stream<Item = Bytes> + Send + Unpin> {
        Forward::new(stream::iter(chunks.iter().map(|chunk| Bytes::from_static(chunk))))
    }

    #[tokio::test]
    async fn headers_can_span_chunks() {
        let mut file = file(&[b"", b"ab", b"c", b"", b"defg", b"h"]);
        assert_eq!(file.array().await, Ok(*b"abcd"));
        assert_eq!(file.seek(5).await, Ok(()));
        assert_eq!((file.byte().await, file.position()), (Ok(b'f'), 6));
        assert_eq!(file.take_until(8).await.as_deref(), Ok(b"gh".as_slice()));
        assert_eq!(file.byte().await, Err(UnknownSize::Truncated));
    }

    #[tokio::test]
    async fn a_byte_is_found_in_any_chunk() {
        let mut file = file(&[b"ab", b"", b"cd", b"ed"]);
        assert_eq!((file.skip_past(b'd').await, file.position()), (Ok(()), 4));
        assert_eq!((file.skip_past(b'd').await, file.position()), (Ok(()), 6));
        assert_eq!(file.skip_past(b'd').await, Err(UnknownSize::Truncated));
    }

    #[tokio::test]
    async fn seeking_backwards_or_past_the_end_fails() {
        let mut file = file(&[b"abcd"]);
        file.skip(2).await.unwrap();
        assert_eq!(file.seek(1).await, Err(UnknownSize::Malformed));
        assert_eq!(file.seek(4).await, Ok(()));
        assert_eq!(file.seek(5).await, Err(UnknownSize::Truncated));
        assert_eq!(file.skip(u64::MAX).await, Err(UnknownSize::Malformed));
    }

    #[tokio::test]
    async fn a_header_that_is_too_long_is_rejected() {
        static LONG: &[&[u8]] = &[&[0; MAX_HEADER_BYTES + 1]];
        assert!(file(LONG).take(MAX_HEADER_BYTES).await.is_ok());
        assert_eq!(file(LONG).take(MAX_HEADER_BYTES + 1).await, Err(UnknownSize::HeaderTooLong));
    }
}
