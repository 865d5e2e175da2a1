//! The object store port for a bucket with the S3 API: R2, or any other store with that API.
//!
//! The adapter uses only what R2 supports: known lengths, parts of equal size, and only the checksums that an operation
//! requires.

mod client;
mod download;
mod error;
mod list;
mod location;
mod multipart;
mod presign;
mod rename;
mod upload;

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    types::{Delete, ObjectIdentifier},
};
use runtime::Clock;
use storage::{
    ByteRange, ByteStream, Object, ObjectInfo, ObjectKey, ObjectList, ObjectStore, PutOptions, Result,
    SignedRequest,
};

use self::error::{classify, is_absent};
pub use self::location::{InvalidLocation, S3Location};
pub use self::upload::PART_BYTES;
use crate::{OpenError, SystemClock};

/// The most keys that one call deletes.
const MAX_KEYS_PER_DELETE: usize = 1_000;

/// A bucket. Clones share its connections.
#[derive(Clone, Debug)]
pub struct S3Objects {
    client: Client,
    bucket: String,
}

impl S3Objects {
    /// Opens the bucket, and lists it once, so that a wrong address, bucket or credential is reported at the start. The AWS
    /// SDK finds the credentials: in variables, files or roles.
    ///
    /// # Errors
    /// [`OpenError::Bucket`] if the bucket cannot be reached or rejects the request.
    pub async fn open(location: &S3Location) -> Result<Self, OpenError> {
        let store = Self { client: client::connect(location).await, bucket: location.bucket.clone() };
        let listed = store.client.list_objects_v2().bucket(&store.bucket).max_keys(1).send().await;
        match listed {
            Ok(_) => Ok(store),
            Err(error) => Err(OpenError::Bucket {
                bucket: store.bucket,
                problem: error::problem_at_start(&error),
                source: Box::new(error),
            }),
        }
    }
}

impl ObjectStore for S3Objects {
    async fn put(&self, key: &ObjectKey, body: ByteStream, options: PutOptions) -> Result<u64> {
        upload::put(self, key, body, options).await
    }

    async fn get(&self, key: &ObjectKey, range: Option<ByteRange>) -> Result<Option<Object>> {
        download::get(self, key, range).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>> {
        let found = self.client.head_object().bucket(&self.bucket).key(key.as_str()).send().await;
        match found {
            Ok(found) => download::info(key, found.content_length(), found.last_modified()).map(Some),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(classify(error)),
        }
    }

    async fn rename(&self, from: &ObjectKey, to: &ObjectKey) -> Result<bool> {
        rename::rename(self, from, to).await
    }

    async fn delete(&self, keys: Vec<ObjectKey>) -> Result<()> {
        for keys in keys.chunks(MAX_KEYS_PER_DELETE) {
            let names = keys.iter().map(|key| ObjectIdentifier::builder().key(key.as_str()).build());
            let names = names.collect::<Result<_, _>>().map_err(storage::Error::broken)?;
            let names = Delete::builder().set_objects(Some(names)).quiet(true).build();
            let names = names.map_err(storage::Error::broken)?;
            let deleted = self.client.delete_objects().bucket(&self.bucket).delete(names).send().await;
            error::require_all_deleted(deleted.map_err(classify)?.errors())?;
        }
        Ok(())
    }

    async fn probe(&self) -> Result<()> {
        // Checks that the bucket can be reached and accepts the credentials. A write would cost more than the check is worth.
        let found = self.client.head_bucket().bucket(&self.bucket).send().await;
        found.map(drop).map_err(classify)
    }

    async fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: usize) -> Result<ObjectList> {
        list::list(self, prefix, after, limit).await
    }

    async fn sign_get(&self, key: &ObjectKey, ttl: Duration) -> Result<Option<SignedRequest>> {
        presign::get(self, key, ttl, SystemClock.now()).await.map(Some)
    }

    async fn sign_put(
        &self,
        key: &ObjectKey,
        options: PutOptions,
        ttl: Duration,
    ) -> Result<Option<SignedRequest>> {
        presign::put(self, key, &options, ttl, SystemClock.now()).await.map(Some)
    }
}
