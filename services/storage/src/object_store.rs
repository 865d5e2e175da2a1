//! The object port: whole objects in, ranges of them out.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use bytes::Bytes;
use futures_util::Stream;

use crate::{Result, Timestamp};

/// A body in chunks of any size. Dropping it early is how a reader stops.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// A store of immutable objects by key.
pub trait ObjectStore: Clone + Send + Sync + 'static {
    /// Stores `body` under `key` and returns how many bytes it had, once they are durable. An object that was there is
    /// replaced at once as a whole; if anything fails, or the returned future is dropped, nothing changes.
    ///
    /// # Errors
    /// [`crate::Error::Body`] if `body` fails, or has not as many bytes as `options.size` says.
    fn put(
        &self,
        key: &ObjectKey,
        body: ByteStream,
        options: PutOptions,
    ) -> impl Future<Output = Result<u64>> + Send;

    /// Opens an object, or the part of it that lies within `range`; `None` if there is none.
    fn get(
        &self,
        key: &ObjectKey,
        range: Option<ByteRange>,
    ) -> impl Future<Output = Result<Option<Object>>> + Send;

    /// Looks at an object without reading it; `None` if there is none.
    fn head(&self, key: &ObjectKey) -> impl Future<Output = Result<Option<ObjectInfo>>> + Send;

    /// Gives the object `from` the key `to`, as if it were stored just now; an object that had that key is replaced as a
    /// whole. `false` if there is no object `from`.
    ///
    /// If it fails, the object still has at least one of the two keys, perhaps both: call it again.
    fn rename(&self, from: &ObjectKey, to: &ObjectKey) -> impl Future<Output = Result<bool>> + Send;

    /// Deletes objects; those that are not there are no error.
    fn delete(&self, keys: Vec<ObjectKey>) -> impl Future<Output = Result<()>> + Send;

    /// Finds out, as far as that is cheap, whether an object would be stored now.
    fn probe(&self) -> impl Future<Output = Result<()>> + Send;

    /// Lists up to `limit` objects whose keys begin with `prefix` and come after `after`, in byte order of the keys.
    fn list(
        &self,
        prefix: &str,
        after: Option<&ObjectKey>,
        limit: usize,
    ) -> impl Future<Output = Result<ObjectList>> + Send;

    /// A request that reads the object without credentials until `ttl` has passed; `None` if the store has no such thing.
    fn sign_get(
        &self,
        key: &ObjectKey,
        ttl: Duration,
    ) -> impl Future<Output = Result<Option<SignedRequest>>> + Send;

    /// A request that stores the object without credentials until `ttl` has passed; `None` if the store has no such thing.
    fn sign_put(
        &self,
        key: &ObjectKey,
        options: PutOptions,
        ttl: Duration,
    ) -> impl Future<Output = Result<Option<SignedRequest>>> + Send;
}

/// A key: 1 to 512 bytes of `/`-separated segments, each of 1 to 200 letters, digits, `-`, `_` and `.`; no segment is
/// only dots, so that on any store, a file system too, a key is a name and stays below the root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// A key from its text, or `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let segment =
            |s: &str| (1..=200).contains(&s.len()) && s.bytes().all(allowed) && s.bytes().any(|b| b != b'.');
        (text.len() <= 512 && text.split('/').all(segment)).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a store should know of an object that is being put.
#[derive(Clone, Debug, Default)]
pub struct PutOptions {
    /// The number of bytes, where it is known.
    pub size: Option<u64>,
    /// The media type; empty if it is not known.
    pub content_type: String,
}

/// A part of an object: `length` bytes from `offset` on. A part that reaches past the end is cut there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
}

/// An open object.
pub struct Object {
    /// The object as a whole.
    pub info: ObjectInfo,
    /// The bytes of the part that was asked for.
    pub body: ByteStream,
}

/// What a store knows of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its key.
    pub key: ObjectKey,
    /// Its size in bytes.
    pub size: u64,
    /// When it was stored.
    pub stored_at: Timestamp,
}

/// One page of a listing.
#[derive(Clone, Debug, Default)]
pub struct ObjectList {
    /// The objects, in byte order of their keys.
    pub objects: Vec<ObjectInfo>,
    /// There are more after the last one.
    pub more: bool,
}

/// A request that carries its own permission.
#[derive(Clone, Debug)]
pub struct SignedRequest {
    /// The HTTP method.
    pub method: http::Method,
    /// The URL.
    pub url: String,
    /// Headers that must be sent exactly so.
    pub headers: Vec<(String, String)>,
    /// When it stops to hold.
    pub expires_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_leave_the_root() {
        for text in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "..",
            "a/../b",
            ".",
            "a/./b",
            "a\\b",
            "a\0",
            "ä",
            "a b",
            &"a".repeat(201),
            &["a".repeat(170).as_str(); 3].join("/").replace("a/", "aa/"),
        ] {
            assert_eq!(ObjectKey::parse(text), None, "{text:?}");
        }
        assert!(ObjectKey::parse("images/01/0123.jpg").is_some());
        assert!(ObjectKey::parse(&["a".repeat(170).as_str(); 3].join("/")).is_some(), "512 bytes");
    }
}
