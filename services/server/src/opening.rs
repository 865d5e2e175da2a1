//! The first bytes of a connection. Until they tell HTTP/1 from HTTP/2, none of hyper's timeouts runs.

use std::{
    future::Future as _,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// What every HTTP/2 connection begins with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose reads fail if it does not tell its protocol in time.
pub(crate) struct Opening<S> {
    stream: S,
    /// What of the preface has not come yet.
    expected: &'static [u8],
    /// `None` once the protocol is known.
    timeout: Option<Pin<Box<Sleep>>>,
}

impl<S> Opening<S> {
    pub(crate) fn new(stream: S, timeout: Duration) -> Self {
        Self { stream, expected: PREFACE, timeout: Some(Box::pin(tokio::time::sleep(timeout))) }
    }

    /// Whether these bytes, after those before, settle which protocol it is.
    fn tells(&mut self, bytes: &[u8]) -> bool {
        let compared = bytes.len().min(self.expected.len());
        let (now, later) = self.expected.split_at(compared);
        self.expected = later;
        later.is_empty() || !bytes.starts_with(now)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        let Some(timeout) = &mut this.timeout else { return polled };
        if polled.is_pending() {
            let failed = || Err(io::Error::new(io::ErrorKind::TimedOut, "no request came"));
            return timeout.as_mut().poll(cx).map(|()| failed());
        }
        if this.tells(buf.filled().get(before..).unwrap_or_default()) {
            this.timeout = None;
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;

    /// A stream that is granted no time, and what has `sent` to it; all of that was read.
    async fn after(sent: &[u8]) -> (Opening<DuplexStream>, DuplexStream) {
        let (mut client, server) = tokio::io::duplex(1024);
        client.write_all(sent).await.unwrap();
        let mut opening = Opening::new(server, Duration::ZERO);
        let mut bytes = vec![0; sent.len()];
        opening.read_exact(&mut bytes).await.unwrap();
        assert_eq!(bytes, sent);
        (opening, client)
    }

    #[tokio::test]
    async fn a_connection_that_tells_nothing_in_time_is_given_up() {
        for sent in [&b""[..], b"PRI * HT"] {
            let (mut opening, _client) = after(sent).await;
            let error = opening.read(&mut [0]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
    }

    #[tokio::test]
    async fn a_connection_that_tells_its_protocol_has_all_the_time_of_its_protocol() {
        for sent in [&b"G"[..], b"PRI * HTTP/1", PREFACE, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore"] {
            let (opening, _client) = after(sent).await;
            assert!(opening.timeout.is_none(), "{sent:?}");
        }
    }
}
