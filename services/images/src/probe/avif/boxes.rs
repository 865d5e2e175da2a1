//! Reads the boxes of an ISO base media file; only their heads are kept in memory.

use bytes::{Buf as _, Bytes};
use futures_util::Stream;

use super::super::forward::{Forward, Result};
use crate::image::UnknownSize;

/// The head of a box.
pub(super) struct Head {
    pub(super) kind: [u8; 4],
    /// The offset of the first byte after the box.
    pub(super) end: u64,
}

/// Reads the head of the next box inside the box that ends at `end`; `None` if there is none. A length of 0 means that the box
/// extends to `end`.
pub(super) async fn next_box<S>(file: &mut Forward<S>, end: u64) -> Result<Option<Head>>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    let start = file.position();
    if end.checked_sub(start).is_none_or(|left| left < 8) {
        return Ok(None);
    }
    let short = u32::from_be_bytes(file.array().await?);
    let kind = file.array().await?;
    let own_end = match short {
        0 => end,
        1 => start.checked_add(u64::from_be_bytes(file.array().await?)).ok_or(UnknownSize::Malformed)?,
        length => start.checked_add(length.into()).ok_or(UnknownSize::Malformed)?,
    };
    if own_end < file.position() || own_end > end {
        return Err(UnknownSize::Malformed);
    }
    Ok(Some(Head { kind, end: own_end }))
}

/// Reads the version and the flags at the beginning of a full box.
pub(super) fn full_box(body: &mut Bytes) -> Option<(u8, u32)> {
    let [version, flags @ ..] = body.try_get_u32().ok()?.to_be_bytes();
    Some((version, flags.iter().fold(0, |n, &b| n << 8 | u32::from(b))))
}
