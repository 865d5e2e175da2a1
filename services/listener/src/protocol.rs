//! A connection's stream, which notes what comes in: the first bytes tell HTTP/1 from HTTP/2.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::activity::{Activity, Sent};

/// What every HTTP/2 connection begins with (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose reads are noted.
pub(crate) struct Noted<S> {
    stream: S,
    protocol: Protocol,
    activity: Activity,
}

/// Which protocol the peer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    /// HTTP/2 if these bytes come next.
    Unknown(&'static [u8]),
    Http1,
    Http2,
}

impl Protocol {
    /// The protocol once these bytes have come.
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

impl<S> Noted<S> {
    pub(crate) const fn new(stream: S, activity: Activity) -> Self {
        Self { stream, protocol: Protocol::Unknown(PREFACE), activity }
    }

    fn note(&mut self, bytes: &[u8]) {
        if bytes.is_empty() || self.protocol == Protocol::Http2 {
            return;
        }
        self.protocol = self.protocol.after(bytes);
        match self.protocol {
            Protocol::Unknown(_) => {}
            Protocol::Http1 => self.activity.note(Sent::Http1),
            Protocol::Http2 => self.activity.note(Sent::Http2Preface),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        let polled = Pin::new(&mut this.stream).poll_read(cx, buf);
        this.note(buf.filled().get(before..).unwrap_or_default());
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
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

    /// The protocol after these bytes, which come one by one or all at once.
    fn protocol(bytes: &[u8]) -> Protocol {
        let whole = Protocol::Unknown(PREFACE).after(bytes);
        let in_steps = bytes.chunks(1).fold(Protocol::Unknown(PREFACE), Protocol::after);
        assert_eq!(whole, in_steps, "{bytes:?}");
        whole
    }

    #[test]
    fn the_preface_is_http_2_and_all_else_is_http_1() {
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
