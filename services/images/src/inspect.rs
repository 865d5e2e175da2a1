//! Reads the headers of an image file like an upload does, but without a service and a database. The fuzz targets use it.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};

use crate::{format::Format, probe::probe, upload::read_head};

/// The result of [`inspect`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The media type of its format.
    pub media_type: &'static str,
    /// Width and height of the upright image in pixels, each at least 1. `None` if they cannot be read from the headers.
    pub size: Option<(i32, i32)>,
}

/// Reads the headers of a file that arrives in `chunks`, but not the rest. Returns `None` if the format is not supported.
pub async fn inspect<S>(chunks: S) -> Option<Inspection>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    let mut chunks = chunks.map(Ok::<_, Infallible>);
    let Ok(head) = read_head(&mut chunks).await;
    let format = Format::sniff(&head).ok()?;
    let rest = chunks.map(|Ok(chunk)| chunk);
    let headers = probe(format, stream::iter([head]).chain(rest)).await;
    let size = headers.dimensions().ok().map(|dimensions| (dimensions.width, dimensions.height));
    Some(Inspection { media_type: format.media_type(), size })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn inspect_in_pieces(file: &[u8], length: usize) -> Option<Inspection> {
        let pieces: Vec<_> = file.chunks(length).map(Bytes::copy_from_slice).collect();
        inspect(stream::iter(pieces)).await
    }

    #[tokio::test]
    async fn the_result_does_not_depend_on_how_the_file_is_split() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02\0\0\0\0\0\0\0";
        let found = Inspection { media_type: "image/png", size: Some((3, 2)) };
        for length in [1, 7, png.len()] {
            assert_eq!(inspect_in_pieces(png, length).await, Some(found));
            assert_eq!(inspect_in_pieces(b"<svg/>", length).await, None);
        }
        assert_eq!(inspect_in_pieces(b"", 1).await, None);
    }
}
