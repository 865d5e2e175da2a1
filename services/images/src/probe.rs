//! Reads the size and the orientation of an image from its headers. No pixels are decoded.
//!
//! Each format has a function `walk` that reads the file once, forwards, and keeps only the current header in memory. So it
//! can run while an upload streams through. It stops at the first malformed part and keeps what it has found so far.
//!
//! To add a format: write its `walk` in a file of this folder and call it in [`probe`].

mod avif;
mod bmp;
mod exif;
mod forward;
mod gif;
mod jpeg;
mod png;
mod tiff;
mod webp;

use bytes::Bytes;
use futures_util::Stream;

use crate::{
    format::Format,
    image::{Dimensions, Orientation, UnknownSize},
};

use forward::Forward;

/// The values read from the headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers {
    /// Width and height of the stored pixels.
    size: Option<(u32, u32)>,
    orientation: Option<Orientation>,
    /// Why the walk stopped early; `None` if it did not.
    stopped: Option<UnknownSize>,
}

impl Headers {
    /// The orientation; upright if the file has none.
    pub(crate) fn orientation(&self) -> Orientation {
        self.orientation.unwrap_or(Orientation::UPRIGHT)
    }

    /// The dimensions of the upright image, or why they are unknown.
    pub(crate) fn dimensions(&self) -> Result<Dimensions, UnknownSize> {
        let (width, height) = self.size.ok_or(self.stopped.unwrap_or(UnknownSize::Malformed))?;
        Dimensions::upright(width, height, self.orientation()).ok_or(UnknownSize::Impossible)
    }
}

/// Reads the headers of a file of this format that arrives in `chunks`. It stops reading once it has all values.
pub(crate) async fn probe<S>(format: Format, chunks: S) -> Headers
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    let mut headers = Headers::default();
    let mut file = Forward::new(chunks);
    // A walk that stops early has already written what it found to `headers`.
    let walked = match format {
        Format::Jpeg => jpeg::walk(&mut file, &mut headers).await,
        Format::Png => png::walk(&mut file, &mut headers).await,
        Format::Gif => gif::walk(&mut file, &mut headers).await,
        Format::WebP => webp::walk(&mut file, &mut headers).await,
        Format::Bmp => bmp::walk(&mut file, &mut headers).await,
        Format::Tiff => tiff::walk(&mut file, &mut headers).await,
        Format::Avif => avif::walk(&mut file, &mut headers).await,
    };
    headers.stopped = walked.err();
    headers
}

#[cfg(test)]
mod tests;
