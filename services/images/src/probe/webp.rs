//! WebP: RIFF chunks (RFC 9649). The `EXIF` chunk follows the pixels.

use bytes::Bytes;
use futures_util::Stream;

use super::{
    Headers, exif,
    forward::{Forward, MAX_HEADER_BYTES, Result},
};
use crate::image::UnknownSize;

/// The bit of a `VP8X` chunk's flags that announces an `EXIF` chunk.
const HAS_EXIF: u8 = 0b1000;

pub(super) async fn walk<S>(file: &mut Forward<S>, headers: &mut Headers) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    file.skip(12).await?;
    loop {
        let kind: [u8; 4] = file.array().await?;
        let length = u32::from_le_bytes(file.array().await?);
        // Chunks are padded to an even length.
        let end = file.position() + u64::from(length) + u64::from(length % 2);
        match &kind {
            b"VP8 " if headers.size.is_none() => return lossy(file, headers).await,
            b"VP8L" if headers.size.is_none() => return lossless(file, headers).await,
            b"VP8X" => {
                let [flags, _, _, _, w0, w1, w2, h0, h1, h2] = file.array().await?;
                let side = |bytes: [u8; 3]| 1 + bytes.iter().rev().fold(0_u32, |n, &b| n << 8 | u32::from(b));
                headers.size = Some((side([w0, w1, w2]), side([h0, h1, h2])));
                if flags & HAS_EXIF == 0 {
                    return Ok(());
                }
            }
            b"EXIF" => {
                let length = usize::try_from(length).unwrap_or(usize::MAX).min(MAX_HEADER_BYTES);
                headers.orientation = exif::orientation(&file.take(length).await?);
                return Ok(());
            }
            _ => {}
        }
        file.seek(end).await?;
    }
}

/// Reads the header of a key frame (RFC 6386 section 9.1). The two high bits of each side are a display scale.
async fn lossy<S>(file: &mut Forward<S>, headers: &mut Headers) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = file.array().await? else {
        return Err(UnknownSize::Malformed);
    };
    let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
    headers.size = Some((side([w0, w1]), side([h0, h1])));
    Ok(())
}

/// Reads the header of a lossless bitstream (RFC 9649 section 3.4): two sides of 14 bits, each minus 1.
async fn lossless<S>(file: &mut Forward<S>, headers: &mut Headers) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    let [0x2f, bits @ ..] = file.array::<5>().await? else {
        return Err(UnknownSize::Malformed);
    };
    let bits = u32::from_le_bytes(bits);
    headers.size = Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1));
    Ok(())
}
