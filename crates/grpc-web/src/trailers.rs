//! The block in a trailer frame: lines of `name:value`, each with CR LF at its end, and no empty line after the last.

use bytes::{BufMut as _, BytesMut};
use http::{HeaderMap, HeaderName};

use crate::{error::Error, frame::TRAILERS, status};

/// Appends a trailer frame with every entry, duplicates included.
///
/// It writes no space after the colon: every reader accepts that, and some do not accept the space.
pub(crate) fn write(trailers: &HeaderMap, out: &mut BytesMut) {
    let length: usize = trailers.iter().map(|(name, value)| name.as_str().len() + value.len() + 3).sum();
    out.reserve(length.saturating_add(5));
    out.put_u8(TRAILERS);
    // The fallback is never used: no transport passes a map of four gigabytes.
    out.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    for (name, value) in trailers {
        out.put_slice(name.as_str().as_bytes());
        out.put_u8(b':');
        out.put_slice(value.as_bytes());
        out.put_slice(b"\r\n");
    }
}

/// Reads a block. It accepts names in any case, spaces around values, duplicates, and a last line without CR LF.
pub(crate) fn read(block: &[u8]) -> Result<HeaderMap, Error> {
    let mut trailers = HeaderMap::new();
    for line in block.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii) {
        if line.is_empty() {
            continue;
        }
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let (Some(name), Some(value)) = (halves.next(), halves.next()) else {
            return Err(Error::TrailerLine);
        };
        let name = HeaderName::from_bytes(name.trim_ascii()).map_err(|_| Error::TrailerLine)?;
        for value in status::readable(&name, value.trim_ascii())? {
            trailers.try_append(name.clone(), value).map_err(|_| Error::TrailerLine)?;
        }
    }
    Ok(trailers)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_block_survives_a_round_trip() {
        let mut trailers = HeaderMap::new();
        for (name, value) in [("grpc-status", "0"), ("x-tag", "a:b"), ("x-tag", ""), ("x-name", "caf\u{e9}")]
        {
            trailers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let mut frame = BytesMut::new();
        write(&trailers, &mut frame);
        let block = frame.split_off(5);
        assert_eq!(frame[..], [&[TRAILERS, 0, 0, 0][..], &[u8::try_from(block.len()).unwrap()]].concat());
        assert_eq!(read(&block).unwrap(), trailers);
    }

    #[test]
    fn too_many_entries_for_a_header_map_are_rejected() {
        let block: String = (0..40_000).map(|n| format!("n{n}:\n")).collect();
        assert_eq!(read(block.as_bytes()).unwrap_err(), Error::TrailerLine);
    }
}
