//! Reads an object.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use storage::{ByteRange, ByteStream, Object, ObjectKey};

use super::{error::blocking, info};

/// What is read at a time, and so what a download that nobody drains keeps in memory.
const CHUNK: u64 = 128 * 1024;

/// Opens the file of `key`. Whatever happens to its name later, the object's bytes stay readable.
pub(super) fn open(path: &Path, key: ObjectKey, range: Option<ByteRange>) -> io::Result<Object> {
    let file = File::open(path)?;
    let info = info(key, &file.metadata()?)?;
    let (start, end) = match range {
        None => (0, info.size),
        Some(ByteRange { offset, length }) => {
            (offset.min(info.size), offset.saturating_add(length).min(info.size))
        }
    };
    Ok(Object { info, body: body(Arc::new(file), start, end) })
}

/// The bytes from `start` to before `end`, chunk by chunk as they are asked for.
fn body(file: Arc<File>, start: u64, end: u64) -> ByteStream {
    let chunks = stream::try_unfold(start, move |offset| {
        let file = Arc::clone(&file);
        async move {
            let length = CHUNK.min(end.saturating_sub(offset));
            if length == 0 {
                return Ok(None);
            }
            // Made here and not on the disk's threads: each of those many would keep memory of its own to make it from.
            let buffer = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
            let chunk = blocking(move || read(&file, offset, buffer)).await?;
            Ok(Some((chunk, offset.saturating_add(length))))
        }
    });
    chunks.boxed()
}

fn read(file: &File, offset: u64, mut buffer: Vec<u8>) -> io::Result<Bytes> {
    file.read_exact_at(&mut buffer, offset)?;
    Ok(buffer.into())
}
