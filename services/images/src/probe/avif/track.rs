//! The `moov` box: the display size of the first track that has one.

use bytes::Bytes;
use futures_util::Stream;

use super::{
    super::{
        Headers,
        forward::{Forward, Result},
    },
    boxes::next_box,
};
use crate::image::{Orientation, UnknownSize};

/// Reads the box, which ends at `end`. Without such a track, the size of the primary item counts.
pub(super) async fn walk<S>(file: &mut Forward<S>, end: u64, headers: &mut Headers) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    while let Some(next) = next_box(file, end).await? {
        if &next.kind == b"trak"
            && let Some(size) = size_of_track(file, next.end).await?
        {
            headers.size = Some(size);
            headers.orientation = Some(Orientation::UPRIGHT);
            return Ok(());
        }
        file.seek(next.end).await?;
    }
    headers.size.map(drop).ok_or(UnknownSize::Malformed)
}

/// The size in the head of the track; audio tracks have none.
async fn size_of_track<S>(file: &mut Forward<S>, end: u64) -> Result<Option<(u32, u32)>>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    while let Some(next) = next_box(file, end).await? {
        if &next.kind == b"tkhd" {
            // The last two fields, in units of 1/65536 pixel.
            file.seek(next.end.checked_sub(8).ok_or(UnknownSize::Malformed)?).await?;
            let [w1, w0, _, _, h1, h0, _, _] = file.array().await?;
            let size = (u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into());
            return Ok((size.0 > 0 && size.1 > 0).then_some(size));
        }
        file.seek(next.end).await?;
    }
    Ok(None)
}
