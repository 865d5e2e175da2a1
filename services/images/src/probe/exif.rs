//! TIFF structures in memory: the orientation in an EXIF block, and the entries of a directory.

use crate::image::Orientation;

/// The tag of the orientation (TIFF 6.0, Exif 2.32).
pub(super) const ORIENTATION: u16 = 274;

/// The order of the bytes in a number.
#[derive(Clone, Copy)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// The order that a TIFF header with these first bytes declares.
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

    pub(super) const fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// The number that a directory's entry for `tag` holds; `entries` are 12 bytes each.
pub(super) fn number(order: ByteOrder, entries: &[u8], tag: u16) -> Option<u32> {
    const SHORT: u16 = 3;
    const LONG: u16 = 4;
    entries.chunks_exact(12).find_map(|entry| match *entry {
        [t0, t1, k0, k1, _, _, _, _, v0, v1, v2, v3] if order.u16([t0, t1]) == tag => {
            match order.u16([k0, k1]) {
                SHORT => Some(order.u16([v0, v1]).into()),
                LONG => Some(order.u32([v0, v1, v2, v3])),
                _ => None,
            }
        }
        _ => None,
    })
}

/// The orientation that the first directory of an EXIF block tells. Some writers put JPEG's `Exif\0\0` ahead of it in
/// other formats too.
pub(super) fn orientation(block: &[u8]) -> Option<Orientation> {
    let block = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let header: &[u8; 8] = block.first_chunk()?;
    let order = ByteOrder::of_header(*header)?;
    let [_, _, _, _, offset @ ..] = *header;
    let directory = block.get(usize::try_from(order.u32(offset)).ok()?..)?;
    let (count, entries) = directory.split_first_chunk()?;
    let length = usize::from(order.u16(*count)) * 12;
    let entries = entries.get(..length).unwrap_or(entries);
    Orientation::from_tag(number(order, entries, ORIENTATION)?)
}
