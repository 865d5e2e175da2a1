//! A JWKS in a file.

use std::{
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use identity::{BoxError, KeySource};
use tokio::{fs::File, io::AsyncReadExt as _, time::timeout};

use crate::{FETCH_TIMEOUT, FetchError, MAX_DOCUMENT_BYTES};

/// Reads the file each time keys are needed. To rotate keys, replace the file (by renaming a new one, not by rewriting it).
#[derive(Clone, Debug)]
pub struct FileKeys {
    path: PathBuf,
}

impl FileKeys {
    /// The keys in the file at `path`.
    #[must_use]
    pub const fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl KeySource for FileKeys {
    async fn fetch(&self) -> Result<Bytes, BoxError> {
        let read = timeout(FETCH_TIMEOUT, read(&self.path)).await;
        let read = read.map_err(|_| FetchError::FileTimeout(self.path.clone()))?;
        let bytes = read.map_err(|source| FetchError::File { path: self.path.clone(), source })?;
        if bytes.len() > MAX_DOCUMENT_BYTES { Err(FetchError::TooLarge.into()) } else { Ok(bytes.into()) }
    }
}

/// Reads the file, but at most one byte more than the limit.
async fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).await?.take(MAX_DOCUMENT_BYTES as u64 + 1).read_to_end(&mut bytes).await?;
    Ok(bytes)
}
