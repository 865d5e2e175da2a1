//! PNG: chunks, each with its length. The `eXIf` chunk may follow the pixels (PNG third edition, section 5.6).

use bytes::Bytes;
use futures_util::Stream;

use super::{
    Headers, exif,
    forward::{Forward, MAX_HEADER_BYTES, Result},
};

pub(super) async fn walk<S>(file: &mut Forward<S>, headers: &mut Headers) -> Result<()>
where
    S: Stream<Item = Bytes> + Send + Unpin,
{
    file.skip(8).await?;
    loop {
        let length = u32::from_be_bytes(file.array().await?);
        let kind: [u8; 4] = file.array().await?;
        let end = file.position() + u64::from(length) + 4;
        match &kind {
            b"IHDR" => {
                let size = (u32::from_be_bytes(file.array().await?), u32::from_be_bytes(file.array().await?));
                headers.size = Some(size);
            }
            b"eXIf" => {
                let length = usize::try_from(length).unwrap_or(usize::MAX).min(MAX_HEADER_BYTES);
                headers.orientation = exif::orientation(&file.take(length).await?);
                return Ok(());
            }
            b"IEND" => return Ok(()),
            _ => {}
        }
        file.seek(end).await?;
    }
}
