//! BMP: the size is at a fixed offset; there is no orientation.

use bytes::Bytes;
use futures_util::Stream;

use super::{
    Headers,
    forward::{Forward, Result},
};
use crate::image::UnknownSize;

/// Reads the second header. The first OS/2 version has sides of 16 bits, all others of 32 bits. A negative height means that
/// the rows are stored from top to bottom.
pub(super) async fn walk<S>(file: &mut Forward<S>, headers: &mut Headers) -> Result<()>
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
        (u32::try_from(width).map_err(|_| UnknownSize::Impossible)?, height.unsigned_abs())
    });
    Ok(())
}
