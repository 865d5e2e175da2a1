//! A response body that limits and measures what is buffered for a slow peer.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{activity::OpenRequest, meter::Meter};

/// The maximum size of a frame that is passed to hyper. hyper buffers each frame, even if the peer does not read.
const FRAME: usize = 64 * 1024;
/// The maximum number of bytes at the end of a response that may wait for the peer without a timer. hyper passes a frame to h2
/// as soon as the peer accepts one byte of it, and drops the body after the last frame. So the last byte of longer data is a
/// frame of its own: hyper keeps it, and the body, until the peer has accepted everything before it.
const TAIL: usize = 1024;

pin_project! {
    /// A body that is sent in frames of limited size and reports its progress to a `Meter`.
    pub struct ResponseBody<B> {
        // `None` if `rest` is the whole body.
        #[pin]
        body: Option<B>,
        // The bytes of the current frame that are not sent yet.
        rest: Bytes,
        meter: Option<Arc<Meter>>,
        _open: OpenRequest,
    }

    impl<B> PinnedDrop for ResponseBody<B> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(meter) = &this.meter {
                meter.start_response();
            }
        }
    }
}

impl<B> ResponseBody<B> {
    /// The body of the response to a request, which `open` keeps open.
    pub(crate) fn new(body: B, open: OpenRequest) -> Self {
        Self::with_meter(Some(body), Bytes::new(), open)
    }

    /// A body with only these bytes.
    pub(crate) fn text(text: impl Into<Bytes>, open: OpenRequest) -> Self {
        Self::with_meter(None, text.into(), open)
    }

    fn with_meter(body: Option<B>, rest: Bytes, open: OpenRequest) -> Self {
        let meter = Meter::current();
        if let Some(meter) = &meter {
            meter.start_response();
        }
        Self { body, rest, meter, _open: open }
    }
}

/// The length of the next frame if `rest` bytes remain.
fn frame_length(rest: usize) -> usize {
    if rest <= TAIL { rest } else { (rest - 1).min(FRAME) }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.project();
        if let Some(meter) = &this.meter {
            meter.confirm_offered();
        }
        if this.rest.is_empty() {
            let Some(body) = this.body.as_pin_mut() else { return Poll::Ready(None) };
            match std::task::ready!(body.poll_frame(cx)).transpose()?.map(Frame::into_data) {
                None => return Poll::Ready(None),
                Some(Err(trailers)) => return Poll::Ready(Some(Ok(trailers))),
                Some(Ok(data)) => *this.rest = data,
            }
        }
        let data = this.rest.split_to(frame_length(this.rest.len()));
        if let Some(meter) = this.meter.as_ref().filter(|_| !data.is_empty()) {
            meter.offer(data.len());
        }
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.as_ref().is_none_or(B::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let body = self.body.as_ref().map_or(SizeHint::with_exact(0), B::size_hint);
        let (mut hint, rest) = (body, self.rest.len() as u64);
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::poll_fn, pin::pin};

    use super::*;
    use crate::activity::Activity;

    /// Never polled: a `ResponseBody::text` has no body.
    type NoBody = Pin<Box<dyn Body<Data = Bytes, Error = Infallible> + Send>>;

    /// The lengths of the frames of a body with `length` bytes.
    async fn frames(length: usize) -> Vec<usize> {
        let open = Activity::new().start_request();
        let mut body = pin!(ResponseBody::<NoBody>::text(vec![0; length], open));
        let mut frames = Vec::new();
        while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            frames.push(frame.unwrap().into_data().unwrap().len());
            assert_eq!(body.is_end_stream(), frames.iter().sum::<usize>() == length, "{frames:?}");
        }
        frames
    }

    #[tokio::test]
    async fn the_last_byte_of_a_long_body_is_a_frame_of_its_own() {
        assert_eq!(frames(TAIL).await, [TAIL]);
        assert_eq!(frames(TAIL + 1).await, [TAIL, 1]);
        assert_eq!(frames(FRAME).await, [FRAME - 1, 1]);
        assert_eq!(frames(2 * FRAME + 1).await, [FRAME, FRAME, 1]);
    }
}
