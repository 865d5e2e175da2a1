//! The object store that the settings choose.

use std::time::Duration;

use storage::{
    ByteRange, ByteStream, Object, ObjectInfo, ObjectKey, ObjectList, ObjectStore, PutOptions, Result,
    SignedRequest,
};

use crate::{FileObjects, S3Objects};

/// The object store of a native program, chosen by its settings.
#[derive(Clone, Debug)]
pub enum NativeObjects {
    /// Files on this machine.
    Files(FileObjects),
    /// A bucket.
    S3(S3Objects),
}

impl ObjectStore for NativeObjects {
    async fn put(&self, key: &ObjectKey, body: ByteStream, options: PutOptions) -> Result<u64> {
        match self {
            Self::Files(store) => store.put(key, body, options).await,
            Self::S3(store) => store.put(key, body, options).await,
        }
    }

    async fn get(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Option<Object>> {
        match self {
            Self::Files(store) => store.get(key, range).await,
            Self::S3(store) => store.get(key, range).await,
        }
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>> {
        match self {
            Self::Files(store) => store.head(key).await,
            Self::S3(store) => store.head(key).await,
        }
    }

    async fn rename(&self, from: &ObjectKey, to: &ObjectKey) -> Result<bool> {
        match self {
            Self::Files(store) => store.rename(from, to).await,
            Self::S3(store) => store.rename(from, to).await,
        }
    }

    async fn delete(&self, keys: Vec<ObjectKey>) -> Result<()> {
        match self {
            Self::Files(store) => store.delete(keys).await,
            Self::S3(store) => store.delete(keys).await,
        }
    }

    async fn probe(&self) -> Result<()> {
        match self {
            Self::Files(store) => store.probe().await,
            Self::S3(store) => store.probe().await,
        }
    }

    async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: usize) -> Result<ObjectList> {
        match self {
            Self::Files(store) => store.list(prefix, after, limit).await,
            Self::S3(store) => store.list(prefix, after, limit).await,
        }
    }

    async fn sign_get(&self, key: &ObjectKey, ttl: Duration) -> Result<Option<SignedRequest>> {
        match self {
            Self::Files(store) => store.sign_get(key, ttl).await,
            Self::S3(store) => store.sign_get(key, ttl).await,
        }
    }

    async fn sign_put(
        &self,
        key: &ObjectKey,
        options: PutOptions,
        ttl: Duration,
    ) -> Result<Option<SignedRequest>> {
        match self {
            Self::Files(store) => store.sign_put(key, options, ttl).await,
            Self::S3(store) => store.sign_put(key, options, ttl).await,
        }
    }
}
