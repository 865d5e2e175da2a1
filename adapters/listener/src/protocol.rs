//! Observes the bytes that a connection receives: the first ones distinguish HTTP/1 from HTTP/2.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::activity::{Activity, Received};

/// The first bytes of every HTTP/2 connection (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream that reports what it reads to an [`Activity`].
pub(crate) struct ObservedStream<S> {
    stream: S,
    protocol: Protocol,
    activity: Activity,
}

/// The protocol of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// HTTP/2 if the next bytes are these.
    Unknown(&'static [u8]),
    Http1,
    Http2,
}

impl Protocol {
    /// The protocol after these bytes.
    fn after(self, bytes: &[u8]) -> Self {
        let Self::Unknown(expected) = self else { return self };
        let (now, later) = expected.split_at(bytes.len().min(expected.len()));
        match (bytes.starts_with(now), later) {
            (false, _) => Self::Http1,
            (true, []) => Self::Http2,
            (true, later) => Self::Unknown(later),
        }
    }
}

impl<S> ObservedStream<S> {
    pub(crate) const fn new(stream: S, activity: Activity) -> Self {
        Self { stream, protocol: Protocol::Unknown(PREFACE), activity }
    }

    fn observe(&mut self, bytes: &[u8]) {
        if bytes.is_empty() || self.protocol == Protocol::Http2 {
            return;
        }
        self.protocol = self.protocol.after(bytes);
        match self.protocol {
            Protocol::Unknown(_) => {}
            Protocol::Http1 => self.activity.record(Received::Http1),
            Protocol::Http2 => self.activity.record(Received::Http2Preface),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ObservedStream<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        this.observe(buf.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ObservedStream<S> {
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
    use super::*;

    /// The protocol after these bytes, whether they arrive one by one or together.
    fn protocol(bytes: &[u8]) -> Protocol {
        let whole = Protocol::Unknown(PREFACE).after(bytes);
        let in_steps = bytes.chunks(1).fold(Protocol::Unknown(PREFACE), Protocol::after);
        assert_eq!(whole, in_steps, "{bytes:?}");
        whole
    }

    #[test]
    fn the_preface_is_http_2_and_other_bytes_are_http_1() {
        assert_eq!(protocol(PREFACE), Protocol::Http2);
        assert_eq!(protocol(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore"), Protocol::Http2);
        for http1 in [&b"G"[..], b"PRI * HTTP/1", b"GET / HTTP/1.1\r\n", b"PUT"] {
            assert_eq!(protocol(http1), Protocol::Http1, "{http1:?}");
        }
        for unknown in [&b""[..], b"P", b"PRI * HT"] {
            assert!(matches!(protocol(unknown), Protocol::Unknown(_)), "{unknown:?}");
        }
    }
}
