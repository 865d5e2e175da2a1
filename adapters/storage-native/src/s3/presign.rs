//! Presigned requests, authorized by a signature in the query (SigV4).

use std::time::Duration;

use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use http::Method;
use runtime::Timestamp;
use storage::{Error, ObjectKey, PutOptions, Result, SignedRequest};

use super::{S3Objects, error::classify};

/// Headers that every client sets itself, and that a page in a browser cannot set.
const SET_BY_CLIENTS: [&str; 2] = ["host", "content-length"];

/// A request that reads the object.
pub(super) async fn get(
    store: &S3Objects,
    key: &ObjectKey,
    ttl: Duration,
    now: Timestamp,
) -> Result<SignedRequest> {
    let call = store.client.get_object().bucket(&store.bucket).key(key.as_str());
    let request = call.presigned(validity(ttl)?).await.map_err(classify)?;
    Ok(signed(Method::GET, &request, ttl, now))
}

/// A request that stores the object. Its media type and its length, if known, are part of the signature.
pub(super) async fn put(
    store: &S3Objects,
    key: &ObjectKey,
    options: &PutOptions,
    ttl: Duration,
    now: Timestamp,
) -> Result<SignedRequest> {
    let length = options.size.map(i64::try_from).transpose().map_err(Error::broken)?;
    let content_type = Some(options.content_type.clone()).filter(|text| !text.is_empty());
    let call = store.client.put_object().bucket(&store.bucket).key(key.as_str());
    let call = call.set_content_length(length).set_content_type(content_type);
    let request = call.presigned(validity(ttl)?).await.map_err(classify)?;
    Ok(signed(Method::PUT, &request, ttl, now))
}

fn validity(ttl: Duration) -> Result<PresigningConfig> {
    PresigningConfig::expires_in(ttl).map_err(Error::broken)
}

fn signed(method: Method, request: &PresignedRequest, ttl: Duration, now: Timestamp) -> SignedRequest {
    let headers = request.headers().filter(|(name, _)| !SET_BY_CLIENTS.contains(name));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let ttl_millis = i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
    let expires_at = Timestamp::from_millis(now.as_millis().saturating_add(ttl_millis));
    SignedRequest { method, url: request.uri().to_owned(), headers, expires_at }
}
