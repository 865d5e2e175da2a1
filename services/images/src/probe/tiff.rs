//! TIFF: the first directory, anywhere in the file (TIFF 6.0 section 2). Also BigTIFF, whose offsets and counts have 8 bytes.

use bytes::Bytes;
use futures_util::Stream;

use super::{
    Headers,
    exif::{self, ByteOrder},
    forward::{Forward, Result},
};
use crate::image::{Orientation, UnknownSize};

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;

/// The most directory entries that are read. Entries are sorted by tag, and the needed tags are low.
const MAX_ENTRIES: u64 = 1024;

pub(super) async fn walk<S>(file: &mut Forward<S>, headers: &mut Headers) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    let header: [u8; 8] = file.array().await?;
    let (order, is_big) = match header {
        [b'I', b'I', 43, 0, 8, 0, 0, 0] => (ByteOrder::Little, true),
        [b'M', b'M', 0, 43, 0, 8, 0, 0] => (ByteOrder::Big, true),
        _ => (ByteOrder::of_header(header).ok_or(UnknownSize::Malformed)?, false),
    };
    let [_, _, _, _, offset @ ..] = header;
    let offset = if is_big { order.u64(file.array().await?) } else { order.u32(offset).into() };
    file.seek(offset).await?;
    let (count, entry_bytes) = if is_big {
        (order.u64(file.array().await?), exif::BIG_ENTRY_BYTES)
    } else {
        (order.u16(file.array().await?).into(), exif::ENTRY_BYTES)
    };
    let count = usize::try_from(count.min(MAX_ENTRIES)).unwrap_or_default();
    let entries = file.take(count * entry_bytes).await?;
    let number = |tag| exif::number(order, entries.chunks_exact(entry_bytes), tag);
    headers.orientation = number(exif::ORIENTATION).and_then(Orientation::from_tag);
    headers.size = number(WIDTH).zip(number(HEIGHT));
    Ok(())
}
