//! The object store port for an R2 binding.

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

use crate::{promise::wait_for_call, timer::with_timeout};

/// The most keys that one call deletes.
const MAX_KEYS_PER_DELETE: usize = 1_000;

/// How long R2 may take for one call, or for the next chunk of a body.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// An R2 bucket, through its binding. It cannot sign requests, because a binding has no credentials.
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
        let body = storage::checked(body, options.size);
        match options.size {
            // The runtime streams a body of known length, unless it is empty.
            Some(size @ 1..) => upload::put(&self.bucket, key, body, size, metadata).await,
            Some(0) | None => parts::put(&self.bucket, key, body, metadata).await,
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
        for keys in keys.chunks(MAX_KEYS_PER_DELETE) {
            let keys = keys.iter().map(|key| JsValue::from_str(key.as_str())).collect();
            wait_for_r2(self.bucket.delete_multiple(keys)).await?;
        }
        Ok(())
    }

    async fn probe(&self) -> Result<()> {
        // No object has this key, and `head` is R2's cheapest call.
        wait_for_r2(self.bucket.head("probe".to_owned())).await.map(drop)
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

/// The metadata of an object; `None` if there is no such object.
async fn head(bucket: &R2Bucket, key: &ObjectKey) -> Result<Option<ObjectInfo>> {
    let found = wait_for_r2(bucket.head(key.to_string())).await?;
    if found.is_null() { Ok(None) } else { metadata::info(found.unchecked_ref(), key.clone()).map(Some) }
}

/// Waits for the result of a call of R2, for up to [`CALL_TIMEOUT`].
async fn wait_for_r2(promise: Result<Promise, JsValue>) -> Result<JsValue> {
    let result = with_timeout(CALL_TIMEOUT, wait_for_call(promise)).await.ok_or_else(failure::timeout)?;
    result.map_err(failure::classify)
}
