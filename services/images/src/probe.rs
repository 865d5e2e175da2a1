//! How large a picture is and which way up, from its headers alone. No pixel is ever decoded.
//!
//! A walk reads a file once, forwards, and keeps nothing but the header it is looking at, so that it can watch an upload
//! pass. It ends where the file stops to make sense, with what it has found until then.

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

/// What the headers tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers {
    /// Width and height of the stored pixels.
    size: Option<(u32, u32)>,
    orientation: Option<Orientation>,
    /// Why the walk ended early, if it did.
    ended: Option<UnknownSize>,
}

impl Headers {
    /// The orientation, which is upright where the file does not say.
    pub(crate) fn orientation(&self) -> Orientation {
        self.orientation.unwrap_or(Orientation::UPRIGHT)
    }

    /// The dimensions of the upright picture, or why the file does not tell them.
    pub(crate) fn dimensions(&self) -> Result<Dimensions, UnknownSize> {
        let (width, height) = self.size.ok_or(self.ended.unwrap_or(UnknownSize::Malformed))?;
        Dimensions::upright(width, height, self.orientation()).ok_or(UnknownSize::Impossible)
    }
}

/// Reads the headers of a file of this format that comes in `chunks`; it stops reading once they have told all.
pub(crate) async fn probe<S>(format: Format, chunks: S) -> Headers
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    let mut headers = Headers::default();
    let mut file = Forward::new(chunks);
    // A walk that ends early has written what it found.
    let walked = match format {
        Format::Jpeg => jpeg::walk(&mut file, &mut headers).await,
        Format::Png => png::walk(&mut file, &mut headers).await,
        Format::Gif => gif::walk(&mut file, &mut headers).await,
        Format::WebP => webp::walk(&mut file, &mut headers).await,
        Format::Bmp => bmp::walk(&mut file, &mut headers).await,
        Format::Tiff => tiff::walk(&mut file, &mut headers).await,
        Format::Avif => avif::walk(&mut file, &mut headers).await,
    };
    headers.ended = walked.err();
    headers
}

#[cfg(test)]
mod tests;
