//! The object store port for a folder.
//!
//! An object is one file (`layout` maps its key to a path). An upload writes a file in a staging folder and renames it when
//! its bytes are on the disk, so that a reader sees a complete object or none (`staging`, `upload`). The media type is
//! not stored: the caller that stored the object knows it.

mod download;
mod error;
mod layout;
mod list;
mod staging;
mod upload;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use runtime::Clock as _;
use storage::{
    ByteRange, ByteStream, Error, Object, ObjectInfo, ObjectKey, ObjectList, ObjectStore, PlainCause,
    PutOptions, Result, SignedRequest,
};

pub(crate) use self::error::classify;
use self::{error::blocking, layout::Layout, staging::Staging};
use crate::{
    OpenError, SystemClock,
    clock::{system_time, timestamp},
    write_probe::WriteProbe,
};

/// Objects as files below one folder. Clones share it, and several processes may share it.
#[derive(Clone, Debug)]
pub struct FileObjects {
    folders: Arc<Folders>,
    write_probe: WriteProbe,
}

#[derive(Debug)]
struct Folders {
    layout: Layout,
    staging: Staging,
}

impl FileObjects {
    /// Opens the store in `root`, makes the folder if it does not exist, and removes unfinished uploads of crashed processes.
    ///
    /// # Errors
    /// [`OpenError::Folder`] if the folder cannot be made or written.
    pub async fn open(root: &Path) -> Result<Self, OpenError> {
        let root = root.to_owned();
        let path = root.clone();
        let folders = tokio::task::spawn_blocking(move || Folders::open(&root)).await;
        match folders.unwrap_or_else(|lost| Err(io::Error::other(lost))) {
            Ok(folders) => Ok(Self { folders: Arc::new(folders), write_probe: WriteProbe::default() }),
            Err(source) => Err(OpenError::Folder { path, source }),
        }
    }
}

impl Folders {
    fn open(root: &Path) -> io::Result<Self> {
        let layout = Layout::open(root.join("objects"))?;
        Ok(Self { layout, staging: Staging::open(&root.join("staging"))? })
    }
}

impl ObjectStore for FileObjects {
    async fn put(&self, key: &ObjectKey, body: ByteStream, options: PutOptions) -> Result<u64> {
        upload::put(Arc::clone(&self.folders), key.clone(), body, options.size).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Option<Object>> {
        let path = self.folders.layout.path(key);
        let key = key.clone();
        blocking(move || absent_as_none(download::open(&path, key, range))).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>> {
        let path = self.folders.layout.path(key);
        let key = key.clone();
        blocking(move || absent_as_none(std::fs::metadata(path).and_then(|file| info(key, &file)))).await
    }

    async fn rename(&self, from: &ObjectKey, to: &ObjectKey) -> Result<bool> {
        let folders = Arc::clone(&self.folders);
        let (from, to) = (self.folders.layout.path(from), self.folders.layout.path(to));
        let now = system_time(SystemClock.now());
        blocking(move || folders.layout.rename(&from, &to, now)).await
    }

    async fn delete(&self, keys: Vec<ObjectKey>) -> Result<()> {
        let paths: Vec<PathBuf> = keys.iter().map(|key| self.folders.layout.path(key)).collect();
        let folders = Arc::clone(&self.folders);
        blocking(move || paths.iter().try_for_each(|path| folders.layout.remove(path))).await
    }

    async fn probe(&self) -> Result<()> {
        let folders = Arc::clone(&self.folders);
        let staging = folders.staging.path().to_owned();
        self.write_probe.run(staging).await.map_err(staging_failure)?;
        blocking(move || std::fs::metadata(folders.layout.root()).map(drop)).await
    }

    async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: usize) -> Result<ObjectList> {
        let query = list::Query::new(prefix, after, limit);
        let folders = Arc::clone(&self.folders);
        blocking(move || list::list(folders.layout.root(), &query)).await
    }

    async fn sign_get(&self, _key: &ObjectKey, _ttl: Duration) -> Result<Option<SignedRequest>> {
        Ok(None)
    }

    async fn sign_put(
        &self,
        _key: &ObjectKey,
        _options: PutOptions,
        _ttl: Duration,
    ) -> Result<Option<SignedRequest>> {
        Ok(None)
    }
}

fn staging_failure(error: io::Error) -> Error {
    const MISSING: PlainCause = PlainCause(
        "The staging folder of the object store is missing. Restart the server: it makes a new one.",
    );
    if error.kind() == io::ErrorKind::NotFound { Error::broken(MISSING) } else { classify(error) }
}

fn info(key: ObjectKey, file: &std::fs::Metadata) -> io::Result<ObjectInfo> {
    Ok(ObjectInfo { key, size: file.len(), stored_at: timestamp(file.modified()?) })
}

fn absent_as_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
