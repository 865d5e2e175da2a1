//! The `meta` box: which item is shown, and its properties. Other properties are skipped, for example a color profile of
//! several megabytes.

use bytes::{Buf as _, Bytes};
use futures_util::Stream;

use super::{
    super::{
        Headers,
        forward::{Forward, Result},
    },
    boxes::{full_box, next_box},
};
use crate::image::{Orientation, UnknownSize};

/// The largest property index of an association.
const MAX_PROPERTIES: usize = 0x7fff;

/// A property of an item. Those that do not affect the size are `Other`.
#[derive(Clone, Copy)]
enum Property {
    /// `ispe`
    Size(u32, u32),
    /// `irot`: quarter turns counterclockwise.
    Turn(u8),
    /// `imir`: 0 swaps top and bottom, 1 left and right.
    Mirror(u8),
    Other,
}

/// The parts of the box that were read.
#[derive(Default)]
struct Meta {
    primary: Option<u32>,
    properties: Vec<Property>,
    associations: Bytes,
}

/// Reads the box, which ends at `end`.
pub(super) async fn walk<S>(file: &mut Forward<S>, end: u64, headers: &mut Headers) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    let mut meta = Meta::default();
    let read = read(file, end, &mut meta).await;
    // If the box is malformed, the parts before may be sufficient.
    meta.write_to(headers).map_or(read, Ok)
}

async fn read<S>(file: &mut Forward<S>, end: u64, meta: &mut Meta) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    file.skip(4).await?;
    while let Some(next) = next_box(file, end).await? {
        match &next.kind {
            b"pitm" => meta.primary = primary_item(file.take_until(next.end).await?),
            b"iprp" => read_item_properties(file, next.end, meta).await?,
            _ => {}
        }
        file.seek(next.end).await?;
    }
    Ok(())
}

fn primary_item(mut body: Bytes) -> Option<u32> {
    let (version, _) = full_box(&mut body)?;
    item_id(version != 0, &mut body)
}

async fn read_item_properties<S>(file: &mut Forward<S>, end: u64, meta: &mut Meta) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    while let Some(next) = next_box(file, end).await? {
        match &next.kind {
            b"ipco" => read_properties(file, next.end, &mut meta.properties).await?,
            b"ipma" => meta.associations = file.take_until(next.end).await?,
            _ => {}
        }
        file.seek(next.end).await?;
    }
    Ok(())
}

async fn read_properties<S>(file: &mut Forward<S>, end: u64, properties: &mut Vec<Property>) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    while let Some(next) = next_box(file, end).await? {
        if properties.len() == MAX_PROPERTIES {
            return Err(UnknownSize::HeaderTooLong);
        }
        properties.push(match &next.kind {
            kind @ (b"ispe" | b"irot" | b"imir") => {
                property(kind, file.take_until(next.end).await?).unwrap_or(Property::Other)
            }
            _ => Property::Other,
        });
        file.seek(next.end).await?;
    }
    Ok(())
}

fn property(kind: &[u8; 4], mut body: Bytes) -> Option<Property> {
    Some(match kind {
        b"ispe" => {
            full_box(&mut body)?;
            Property::Size(body.try_get_u32().ok()?, body.try_get_u32().ok()?)
        }
        b"irot" => Property::Turn(body.try_get_u8().ok()? & 0b11),
        b"imir" => Property::Mirror(body.try_get_u8().ok()? & 0b1),
        _ => Property::Other,
    })
}

impl Meta {
    /// Writes the properties of the primary item to `headers`; `None` if they have no size.
    fn write_to(self, headers: &mut Headers) -> Option<()> {
        let (mut turn, mut mirror) = (0, None);
        for index in associated(self.associations, self.primary?)? {
            match self.properties.get(index.checked_sub(1)?).copied()? {
                Property::Size(width, height) => headers.size = Some((width, height)),
                Property::Turn(quarters) => turn = quarters,
                Property::Mirror(axis) => mirror = Some(axis),
                Property::Other => {}
            }
        }
        headers.orientation = Orientation::from_tag(exif_tag(turn, mirror));
        headers.size.map(drop)
    }
}

/// The value of the EXIF tag for a rotation followed by a mirroring.
const fn exif_tag(quarters_counterclockwise: u8, mirror: Option<u8>) -> u8 {
    match (quarters_counterclockwise, mirror) {
        (0, None) => 1,
        (0, Some(1)) | (2, Some(0)) => 2,
        (2, None) => 3,
        (0 | 2, Some(_)) => 4,
        (1, Some(0)) | (3, Some(1)) => 5,
        (3, None) => 6,
        (1 | 3, Some(_)) => 7,
        (_, _) => 8,
    }
}

/// The properties of `item`, as 1-based indices into the property container.
fn associated(mut table: Bytes, item: u32) -> Option<Vec<usize>> {
    let (version, flags) = full_box(&mut table)?;
    for _ in 0..table.try_get_u32().ok()? {
        let id = item_id(version != 0, &mut table)?;
        let count = table.try_get_u8().ok()?;
        let indices: Option<Vec<usize>> = (0..count).map(|_| property_index(flags, &mut table)).collect();
        if id == item {
            return indices;
        }
    }
    None
}

/// Reads one index without its top bit, which marks properties that a reader must understand.
fn property_index(flags: u32, table: &mut Bytes) -> Option<usize> {
    if flags & 1 == 1 {
        Some(usize::from(table.try_get_u16().ok()? & 0x7fff))
    } else {
        Some(usize::from(table.try_get_u8().ok()? & 0x7f))
    }
}

fn item_id(is_long: bool, body: &mut Bytes) -> Option<u32> {
    if is_long { body.try_get_u32().ok() } else { body.try_get_u16().ok().map(u32::from) }
}
