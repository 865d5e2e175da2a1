//! A response's body on its way to a peer that may not read it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{activity::OpenRequest, meter::Meter};

/// The most bytes that hyper is given at a time. What it has been given is buffered, whether the peer reads or not.
const FRAME: usize = 64 * 1024;

pin_project! {
    /// A body whose bytes are handed out in frames of bounded size, and metered.
    pub struct ResponseBody<B> {
        // `None` if `rest` is all that there is.
        #[pin]
        body: Option<B>,
        // What of a frame is left.
        rest: Bytes,
        meter: Option<Arc<Meter>>,
        _open: OpenRequest,
    }

    impl<B> PinnedDrop for ResponseBody<B> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(meter) = &this.meter {
                meter.begin();
            }
        }
    }
}

impl<B> ResponseBody<B> {
    /// `body` as the response to the request that `open` keeps open.
    pub(crate) fn new(body: B, open: OpenRequest) -> Self {
        Self::of(Some(body), Bytes::new(), open)
    }

    /// A body of these bytes alone.
    pub(crate) fn text(text: impl Into<Bytes>, open: OpenRequest) -> Self {
        Self::of(None, text.into(), open)
    }

    fn of(body: Option<B>, rest: Bytes, open: OpenRequest) -> Self {
        let meter = Meter::around();
        if let Some(meter) = &meter {
            meter.begin();
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
            meter.taken();
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
