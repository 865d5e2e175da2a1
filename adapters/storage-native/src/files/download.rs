//! Reads an object.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use storage::{ByteRange, ByteStream, Object, ObjectKey};

use super::{error::blocking, info};

/// The most bytes that are read at a time: a download whose client does not read keeps this much in memory.
const CHUNK: u64 = 128 * 1024;

/// Opens the file of `key`. The object's bytes stay readable, also if the file is replaced or deleted later.
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

/// The bytes from `start` to before `end`. Each chunk is read when the reader polls for it.
fn body(file: Arc<File>, start: u64, end: u64) -> ByteStream {
    let chunks = stream::try_unfold(start, move |offset| {
        let file = Arc::clone(&file);
        async move {
            let length = CHUNK.min(end.saturating_sub(offset));
            if length == 0 {
                return Ok(None);
            }
            // Allocated here, not on a blocking thread: each of those many threads would keep its own memory for it.
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
