//! The object port on an R2 binding.

mod download;
mod failure;
mod list;
mod metadata;
mod parts;
mod rename;
mod upload;

use std::time::Duration;

use storage::{
    ByteRange, ByteStream, Object, ObjectInfo, ObjectKey, ObjectList, ObjectStore, PutOptions, Result,
    SignedRequest,
};
use worker::{
    js_sys::Promise,
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::R2Bucket,
};

use crate::{promise::settled, timer::within};

/// The most keys that one call deletes.
const DELETED_AT_ONCE: usize = 1_000;

/// How long R2 may take for one call, or for the next piece of a body.
const PATIENCE: Duration = Duration::from_secs(30);

/// An R2 bucket. It signs no requests: a binding has no credentials to sign with.
#[derive(Clone, Debug)]
pub struct R2Objects {
    bucket: R2Bucket,
}

impl R2Objects {
    /// The objects in the bucket behind `binding`.
    #[must_use]
    pub fn new(binding: worker::Bucket) -> Self {
        Self { bucket: JsValue::from(binding).unchecked_into() }
    }
}

impl ObjectStore for R2Objects {
    async fn put(&self, key: &ObjectKey, body: ByteStream, options: PutOptions) -> Result<u64> {
        let metadata = metadata::options(&options.content_type)?;
        match options.size {
            // The runtime streams a body of known length; for an empty one there is nothing to stream.
            Some(size @ 1..) => upload::put(&self.bucket, key, body, size, metadata).await,
            Some(0) => parts::put(&self.bucket, key, storage::exactly(0, body), metadata).await,
            None => parts::put(&self.bucket, key, body, metadata).await,
        }
    }

    async fn get(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Option<Object>> {
        download::get(&self.bucket, key, range).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>> {
        head(&self.bucket, key).await
    }

    async fn rename(&self, from: &ObjectKey, to: &ObjectKey) -> Result<bool> {
        rename::rename(&self.bucket, from, to).await
    }

    async fn delete(&self, keys: Vec<ObjectKey>) -> Result<()> {
        for keys in keys.chunks(DELETED_AT_ONCE) {
            let keys = keys.iter().map(|key| JsValue::from_str(key.as_str())).collect();
            answered(self.bucket.delete_multiple(keys)).await?;
        }
        Ok(())
    }

    async fn probe(&self) -> Result<()> {
        // No object has this key, and the cheapest question that R2 takes is for one.
        answered(self.bucket.head("probe".to_owned())).await.map(drop)
    }

    async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: usize) -> Result<ObjectList> {
        list::list(&self.bucket, prefix, after, limit).await
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

/// What R2 tells of an object; `None` if there is none.
async fn head(bucket: &R2Bucket, key: &ObjectKey) -> Result<Option<ObjectInfo>> {
    let found = answered(bucket.head(key.to_string())).await?;
    if found.is_null() { Ok(None) } else { metadata::info(found.unchecked_ref(), key.clone()).map(Some) }
}

/// Waits for R2, but not for ever.
async fn answered(promise: Result<Promise, JsValue>) -> Result<JsValue> {
    let answer = within(PATIENCE, settled(promise)).await.ok_or_else(failure::no_answer)?;
    answer.map_err(failure::classify)
}
