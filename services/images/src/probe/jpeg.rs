//! JPEG: segments, each with its length, up to the first scan (ITU-T T.81 annex B).

use bytes::Bytes;
use futures_util::Stream;

use super::{
    Headers, exif,
    forward::{Forward, Result},
};
use crate::image::UnknownSize;

const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const APP1: u8 = 0xe1;

pub(super) async fn walk<S>(file: &mut Forward<S>, headers: &mut Headers) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    file.skip(2).await?;
    loop {
        let marker = next_marker(file).await?;
        match marker {
            0x01 | 0xd0..=0xd8 => continue,
            START_OF_SCAN | END_OF_IMAGE => return Ok(()),
            _ => {}
        }
        // The length counts its own two bytes.
        let length = u16::from_be_bytes(file.array().await?).checked_sub(2).ok_or(UnknownSize::Malformed)?;
        let end = file.position() + u64::from(length);
        if is_frame(marker) {
            let [_precision, h1, h0, w1, w0] = file.array().await?;
            headers.size = Some((u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into()));
        } else if marker == APP1 && headers.orientation.is_none() {
            // An APP1 segment can also hold XMP, which begins with other bytes.
            let segment = file.take(length.into()).await?;
            headers.orientation =
                segment.starts_with(b"Exif\0\0").then(|| exif::orientation(&segment)).flatten();
        }
        file.seek(end).await?;
    }
}

/// Finds the next marker. Like all decoders, it skips other bytes: data after a segment that exceeds its declared length, fill
/// bytes, and an `FF` that is escaped by `00`.
async fn next_marker<S>(file: &mut Forward<S>) -> Result<u8>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    loop {
        file.skip_past(0xff).await?;
        loop {
            match file.byte().await? {
                0xff => {}
                0x00 => break,
                marker => return Ok(marker),
            }
        }
    }
}

/// SOF0 to SOF15, except three codes in this range that are not frames.
const fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}
