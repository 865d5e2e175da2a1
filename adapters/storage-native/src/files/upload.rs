//! Stores an object.

use std::{io::Write, mem, sync::Arc};

use futures_util::StreamExt;
use storage::{ByteStream, ObjectKey, Result};
use tempfile::NamedTempFile;

use super::{Folders, error::blocking};

/// The bytes that an upload buffers before it writes them to the disk: few enough that many uploads may run at once, and
/// enough that the switch to a blocking thread is worth it.
const BUFFER: usize = 128 * 1024;

/// Writes `body` to a staging file and moves that to the object's path. If the future is dropped early, nothing is left.
pub(super) async fn put(
    folders: Arc<Folders>,
    key: ObjectKey,
    body: ByteStream,
    expected: Option<u64>,
) -> Result<u64> {
    let mut body = storage::checked(body, expected);
    let staging = Arc::clone(&folders);
    let mut upload = Upload { file: blocking(move || staging.staging.file()).await?, buffer: Vec::new() };
    let mut size = 0_u64;
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        size = size.saturating_add(chunk.len() as u64);
        let mut rest = chunk.as_ref();
        while let Some((fits, left)) = rest.split_at_checked(BUFFER - upload.buffer.len()) {
            upload.buffer.extend_from_slice(fits);
            upload = blocking(move || upload.flush()).await?;
            rest = left;
        }
        upload.buffer.extend_from_slice(rest);
    }
    blocking(move || {
        let upload = upload.flush()?;
        upload.file.as_file().sync_all()?;
        folders.layout.install(upload.file.into_temp_path(), &folders.layout.path(&key))
    })
    .await?;
    Ok(size)
}

/// A staging file, and the bytes that are not written to it yet: always fewer than [`BUFFER`].
struct Upload {
    file: NamedTempFile,
    buffer: Vec<u8>,
}

impl Upload {
    fn flush(mut self) -> std::io::Result<Self> {
        let mut buffer = mem::take(&mut self.buffer);
        self.file.as_file_mut().write_all(&buffer)?;
        buffer.clear();
        Ok(Self { buffer, ..self })
    }
}
