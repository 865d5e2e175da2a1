//! TIFF: the first directory, wherever in the file it is (TIFF 6.0 section 2).

use bytes::Bytes;
use futures_util::Stream;

use super::{
    Headers,
    exif::{self, ByteOrder},
    forward::Forward,
};
use crate::image::Orientation;

const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;

/// The most entries that are looked at. They are in order of their tags, and those of interest are low ones.
const MAX_ENTRIES: u16 = 1024;

pub(super) async fn walk<S>(file: &mut Forward<S>, headers: &mut Headers) -> Option<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    let header: [u8; 8] = file.array().await?;
    let order = ByteOrder::of_header(header)?;
    let [_, _, _, _, offset @ ..] = header;
    file.seek(order.u32(offset).into()).await?;
    let count = order.u16(file.array().await?).min(MAX_ENTRIES);
    let entries = file.take(usize::from(count) * 12).await?;
    let number = |tag| exif::number(order, &entries, tag);
    headers.orientation = number(exif::ORIENTATION).and_then(Orientation::from_tag);
    headers.size = number(WIDTH).zip(number(HEIGHT));
    Some(())
}
