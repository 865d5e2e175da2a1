//! Decodes TIFF structures in memory: the orientation in an EXIF block, and the entries of a directory.

use crate::image::Orientation;

/// The tag of the orientation (TIFF 6.0, Exif 2.32).
pub(super) const ORIENTATION: u16 = 274;

/// The byte order of numbers.
#[derive(Clone, Copy)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// The byte order that a TIFF header declares.
    pub(super) const fn of_header(header: [u8; 8]) -> Option<Self> {
        match header {
            [b'I', b'I', 42, 0, ..] => Some(Self::Little),
            [b'M', b'M', 0, 42, ..] => Some(Self::Big),
            _ => None,
        }
    }

    pub(super) const fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) const fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        }
    }

    pub(super) const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// The length of a directory entry: tag, type, number of values, and the value or its offset.
pub(super) const ENTRY_BYTES: usize = 12;

/// The length of a directory entry in BigTIFF.
pub(super) const BIG_ENTRY_BYTES: usize = 20;

/// The number in the entry for `tag`.
pub(super) fn number<'a>(
    order: ByteOrder,
    mut entries: impl Iterator<Item = &'a [u8]>,
    tag: u16,
) -> Option<u32> {
    const SHORT: u16 = 3;
    const LONG: u16 = 4;
    const LONG_OF_8_BYTES: u16 = 16;
    let entry = entries.find(|entry| entry.first_chunk().is_some_and(|found| order.u16(*found) == tag))?;
    let (kind, value) = match *entry {
        [_, _, k0, k1, _, _, _, _, ref value @ ..] if entry.len() == ENTRY_BYTES => ([k0, k1], value),
        [_, _, k0, k1, _, _, _, _, _, _, _, _, ref value @ ..] => ([k0, k1], value),
        _ => return None,
    };
    match order.u16(kind) {
        SHORT => value.first_chunk().map(|value| order.u16(*value).into()),
        LONG => value.first_chunk().map(|value| order.u32(*value)),
        LONG_OF_8_BYTES => value.first_chunk().and_then(|value| order.u64(*value).try_into().ok()),
        _ => None,
    }
}

/// The orientation in the first directory of an EXIF block. Some programs write the JPEG prefix `Exif\0\0` before the block
/// in other formats too.
pub(super) fn orientation(block: &[u8]) -> Option<Orientation> {
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let header: &[u8; 8] = block.first_chunk()?;
    let order = ByteOrder::of_header(*header)?;
    let [_, _, _, _, offset @ ..] = *header;
    let directory = block.get(usize::try_from(order.u32(offset)).ok()?..)?;
    let (count, entries) = directory.split_first_chunk()?;
    let entries = entries.chunks_exact(ENTRY_BYTES).take(order.u16(*count).into());
    Orientation::from_tag(number(order, entries, ORIENTATION)?)
}
