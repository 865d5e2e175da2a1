//! AVIF: the properties of the primary item in the `meta` box (ISO/IEC 14496-12 and 23008-12). Rotations are properties too;
//! an EXIF block is ignored (MIAF, ISO/IEC 23000-22). For a sequence (major brand `avis`) the first track with a size counts,
//! regardless of the items.

mod boxes;
mod meta;
mod track;

use bytes::Bytes;
use futures_util::Stream;

use self::boxes::next_box;
use super::{
    Headers,
    forward::{Forward, Result},
};

/// The end of a file of unknown length.
const END_OF_FILE: u64 = u64::MAX;

pub(super) async fn walk<S>(file: &mut Forward<S>, headers: &mut Headers) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    let mut is_sequence = false;
    while let Some(next) = next_box(file, END_OF_FILE).await? {
        match &next.kind {
            b"ftyp" => is_sequence = &file.array().await? == b"avis",
            b"meta" if is_sequence => meta::walk(file, next.end, headers).await?,
            b"meta" => return meta::walk(file, next.end, headers).await,
            b"moov" if is_sequence => return track::walk(file, next.end, headers).await,
            _ => {}
        }
        file.seek(next.end).await?;
    }
    Ok(())
}
