//! AVIF: the properties of the primary item in the `meta` box (ISO/IEC 14496-12 and 23008-12). Turns are properties too;
//! an EXIF block does not count (MIAF, ISO/IEC 23000-22).

use bytes::{Buf as _, Bytes};
use futures_util::Stream;

use super::{Headers, forward::Forward};
use crate::image::Orientation;

pub(super) async fn walk<S>(file: &mut Forward<S>, headers: &mut Headers) -> Option<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    loop {
        let start = file.position();
        let short = u32::from_be_bytes(file.array().await?);
        let kind: [u8; 4] = file.array().await?;
        let length = if short == 1 { u64::from_be_bytes(file.array().await?) } else { short.into() };
        let end = start.checked_add(length)?;
        if &kind == b"meta" {
            let length = end.checked_sub(file.position())?;
            return read_meta(file.take(usize::try_from(length).ok()?).await?, headers);
        }
        file.seek(end).await?;
    }
}

/// A property of an item that matters here.
#[derive(Clone, Copy)]
enum Property {
    /// `ispe`
    Size(u32, u32),
    /// `irot`: quarter turns against the clock.
    Turn(u8),
    /// `imir`: 0 swaps top and bottom, 1 left and right.
    Mirror(u8),
    Other,
}

fn read_meta(mut meta: Bytes, headers: &mut Headers) -> Option<()> {
    meta.try_get_u32().ok()?;
    let mut primary = None;
    let mut properties = Bytes::new();
    while let Some((kind, mut body)) = next_box(&mut meta) {
        match &kind {
            b"pitm" => primary = Some(item_id(full_box(&mut body)?.0 != 0, &mut body)?),
            b"iprp" => properties = body,
            _ => {}
        }
    }
    let (mut all, mut associations) = (Vec::new(), Bytes::new());
    while let Some((kind, body)) = next_box(&mut properties) {
        match &kind {
            b"ipco" => all = read_properties(body),
            b"ipma" => associations = body,
            _ => {}
        }
    }
    let (mut turn, mut mirror) = (0, None);
    for index in associated(associations, primary?)? {
        match all.get(index.checked_sub(1)?).copied()? {
            Property::Size(width, height) => headers.size = Some((width, height)),
            Property::Turn(quarters) => turn = quarters,
            Property::Mirror(axis) => mirror = Some(axis),
            Property::Other => {}
        }
    }
    headers.orientation = Orientation::from_tag(exif_tag(turn, mirror));
    Some(())
}

/// The EXIF tag for a turn followed by a mirroring.
const fn exif_tag(quarters_against_clock: u8, mirror: Option<u8>) -> u8 {
    match (quarters_against_clock, mirror) {
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

fn read_properties(mut container: Bytes) -> Vec<Property> {
    let mut properties = Vec::new();
    while let Some((kind, body)) = next_box(&mut container) {
        properties.push(read_property(&kind, body).unwrap_or(Property::Other));
    }
    properties
}

fn read_property(kind: &[u8; 4], mut body: Bytes) -> Option<Property> {
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

/// The properties of `item`, as places in the container from 1 on.
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

/// The top bit says whether a reader must understand the property.
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

/// The version and the flags that a full box begins with.
fn full_box(body: &mut Bytes) -> Option<(u8, u32)> {
    let [version, flags @ ..] = body.try_get_u32().ok()?.to_be_bytes();
    Some((version, flags.iter().fold(0, |n, &b| n << 8 | u32::from(b))))
}

/// Splits the next box off: its kind and its body.
fn next_box(boxes: &mut Bytes) -> Option<([u8; 4], Bytes)> {
    let length = usize::try_from(boxes.try_get_u32().ok()?).ok()?.checked_sub(8)?;
    let kind = boxes.try_get_u32().ok()?.to_be_bytes();
    (length <= boxes.len()).then(|| (kind, boxes.split_to(length)))
}
