//! Reading forwards through chunks.

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};

/// The longest header that is ever held in memory.
pub(super) const MAX_HEADER_BYTES: usize = 256 * 1024;

/// A file that can only be read forwards. All methods answer `None` at its end.
pub(super) struct Forward<S> {
    chunks: S,
    rest: Bytes,
    position: u64,
}

impl<S: Stream<Item = Bytes> + Send + Unpin> Forward<S> {
    /// The file that `chunks` are, from its first byte.
    pub(super) const fn new(chunks: S) -> Self {
        Self { chunks, rest: Bytes::new(), position: 0 }
    }

    /// The offset of the next byte.
    pub(super) const fn position(&self) -> u64 {
        self.position
    }

    /// Goes on at `offset`; `None` also if that lies behind.
    pub(super) async fn seek(&mut self, offset: u64) -> Option<()> {
        let mut left = offset.checked_sub(self.position)?;
        loop {
            let step = usize::try_from(left).unwrap_or(usize::MAX).min(self.rest.len());
            self.rest.advance(step);
            left -= step as u64;
            if left == 0 {
                self.position = offset;
                return Some(());
            }
            self.rest = self.chunks.next().await?;
        }
    }

    /// Goes on `length` bytes further.
    pub(super) async fn skip(&mut self, length: u64) -> Option<()> {
        self.seek(self.position.checked_add(length)?).await
    }

    /// The next `length` bytes; `None` also above [`MAX_HEADER_BYTES`].
    pub(super) async fn take(&mut self, length: usize) -> Option<Bytes> {
        if length > MAX_HEADER_BYTES {
            return None;
        }
        self.position += length as u64;
        if self.rest.len() >= length {
            return Some(self.rest.split_to(length));
        }
        let mut taken = BytesMut::with_capacity(length);
        loop {
            let step = (length - taken.len()).min(self.rest.len());
            taken.extend_from_slice(&self.rest.split_to(step));
            if taken.len() == length {
                return Some(taken.freeze());
            }
            self.rest = self.chunks.next().await?;
        }
    }

    /// The next `N` bytes.
    pub(super) async fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N).await?.as_ref().try_into().ok()
    }

    /// The next byte.
    pub(super) async fn byte(&mut self) -> Option<u8> {
        self.array().await.map(u8::from_be_bytes)
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
    async fn chunks_need_not_end_where_headers_do() {
        let mut file = file(&[b"", b"ab", b"c", b"", b"defg", b"h"]);
        assert_eq!(file.array().await, Some(*b"abcd"));
        assert_eq!(file.seek(5).await, Some(()));
        assert_eq!((file.byte().await, file.position()), (Some(b'f'), 6));
        assert_eq!(file.take(2).await.as_deref(), Some(b"gh".as_slice()));
        assert_eq!(file.byte().await, None);
    }

    #[tokio::test]
    async fn there_is_no_way_back_and_none_past_the_end() {
        let mut file = file(&[b"abcd"]);
        file.skip(2).await.unwrap();
        assert_eq!(file.seek(1).await, None);
        assert_eq!(file.seek(4).await, Some(()));
        assert_eq!(file.seek(5).await, None);
        assert_eq!(file.skip(u64::MAX).await, None);
    }

    #[tokio::test]
    async fn a_header_that_is_too_long_is_not_collected() {
        static LONG: &[&[u8]] = &[&[0; MAX_HEADER_BYTES + 1]];
        assert!(file(LONG).take(MAX_HEADER_BYTES).await.is_some());
        assert!(file(LONG).take(MAX_HEADER_BYTES + 1).await.is_none());
    }
}
