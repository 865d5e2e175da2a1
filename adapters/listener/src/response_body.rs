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
        let data = this.rest.split_to(this.rest.len().min(FRAME));
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
