//! GIF and BMP: the size at a fixed place; neither has an orientation.

use bytes::Bytes;
use futures_util::Stream;

use super::{Headers, forward::Forward};

/// The logical screen (GIF89a section 18).
pub(super) async fn walk_gif<S>(file: &mut Forward<S>, headers: &mut Headers) -> Option<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    file.skip(6).await?;
    let [w0, w1, h0, h1] = file.array().await?;
    headers.size = Some((u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into()));
    Some(())
}

/// The second header: OS/2's first kind has short sides, all others long ones; a negative height is stored from the top.
pub(super) async fn walk_bmp<S>(file: &mut Forward<S>, headers: &mut Headers) -> Option<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    file.skip(14).await?;
    headers.size = Some(if u32::from_le_bytes(file.array().await?) == 12 {
        let [w0, w1, h0, h1] = file.array().await?;
        (u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into())
    } else {
        let width = i32::from_le_bytes(file.array().await?);
        let height = i32::from_le_bytes(file.array().await?);
        (u32::try_from(width).ok()?, height.unsigned_abs())
    });
    Some(())
}
