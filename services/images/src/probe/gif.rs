//! GIF: the logical screen and the first frame (GIF89a sections 18 and 20). GIF has no orientation.

use bytes::Bytes;
use futures_util::Stream;

use super::{
    Headers,
    forward::{Forward, Result},
};
use crate::image::UnknownSize;

const EXTENSION: u8 = 0x21;
const FRAME: u8 = 0x2c;
const TRAILER: u8 = 0x3b;

/// Decoders show the logical screen, enlarged to contain the first frame. Many programs write an empty screen.
pub(super) async fn walk<S>(file: &mut Forward<S>, headers: &mut Headers) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    file.skip(6).await?;
    let [w0, w1, h0, h1, flags, _, _] = file.array().await?;
    let (width, height) = (u16::from_le_bytes([w0, w1]).into(), u16::from_le_bytes([h0, h1]).into());
    // An empty screen does not count as a size.
    headers.size = (width > 0 && height > 0).then_some((width, height));
    if flags & 0x80 != 0 {
        file.skip(3 << ((flags & 0b111) + 1)).await?;
    }
    loop {
        match file.byte().await? {
            EXTENSION => skip_extension(file).await?,
            FRAME => {
                let [x0, x1, y0, y1, w0, w1, h0, h1] = file.array().await?;
                let far = |at, side| u32::from(u16::from_le_bytes(at)) + u32::from(u16::from_le_bytes(side));
                headers.size =
                    Some((width.max(far([x0, x1], [w0, w1])), height.max(far([y0, y1], [h0, h1]))));
                return Ok(());
            }
            TRAILER => return Ok(()),
            _ => return Err(UnknownSize::Malformed),
        }
    }
}

/// Skips a label, and then blocks with their lengths, up to an empty block.
async fn skip_extension<S>(file: &mut Forward<S>) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    file.skip(1).await?;
    loop {
        match file.byte().await? {
            0 => return Ok(()),
            length => file.skip(length.into()).await?,
        }
    }
}
