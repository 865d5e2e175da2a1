//! Opens an object, or a part of it.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use storage::{ByteRange, ByteStream, Error, Object, ObjectInfo, ObjectKey, Result};
use worker::{
    send::SendWrapper,
    wasm_bindgen::{JsCast, JsValue},
    worker_sys::{R2Bucket, R2ObjectBody},
};

use super::{
    failure::classify_thrown,
    head,
    metadata::{info, js_number, record},
    wait_for_r2,
};
use crate::promise::Thrown;

pub(super) async fn get(
    bucket: &R2Bucket,
    key: &ObjectKey,
    range: Option<ByteRange>,
) -> Result<Option<Object>> {
    if range.is_some_and(|range| range.length == 0) {
        return Ok(head(bucket, key).await?.map(empty));
    }
    let found = match (wait_for_r2(bucket.get(key.to_string(), options(range)?)).await, range) {
        (Err(error), Some(range)) => return empty_if_past_the_end(bucket, key, range, error).await.map(Some),
        (found, _) => found?,
    };
    if found.is_null() {
        return Ok(None);
    }
    let found: R2ObjectBody = found.unchecked_into();
    let info = info(&found, key.clone())?;
    let length = range.map_or(info.size, |range| range.length.min(info.size.saturating_sub(range.offset)));
    let body = worker::ByteStream::from(found.body().map_err(classify_thrown)?);
    // The runtime ends an incomplete stream in the same way as a complete one.
    Ok(Some(Object { info, body: storage::require_length(length, chunks(body)) }))
}

/// Handles a failed read of a range. R2 rejects a range that begins past the end, but its messages for that differ. So this
/// compares the range with the size of the object.
async fn empty_if_past_the_end(
    bucket: &R2Bucket,
    key: &ObjectKey,
    range: ByteRange,
    error: Error,
) -> Result<Object> {
    match head(bucket, key).await? {
        Some(info) if info.size <= range.offset => Ok(empty(info)),
        Some(_) | None => Err(error),
    }
}

/// The object without any of its bytes.
fn empty(info: ObjectInfo) -> Object {
    Object { info, body: stream::empty().boxed() }
}

fn options(range: Option<ByteRange>) -> Result<JsValue> {
    let Some(ByteRange { offset, length }) = range else { return record([]) };
    record([("range", record([("offset", js_number(offset)), ("length", js_number(length))])?)])
}

/// The runtime's stream as the port's.
fn chunks(body: worker::ByteStream) -> ByteStream {
    // `SendWrapper` is fine: a Worker has only one thread.
    let mut body = SendWrapper::new(body);
    let chunks = stream::poll_fn(move |context| body.poll_next_unpin(context));
    let failed = |error: worker::Error| Error::unavailable(Thrown(error.to_string()));
    chunks.map(move |chunk| chunk.map(Bytes::from).map_err(failed)).boxed()
}
