//! Stores a body of known length as a stream.

use std::pin::pin;

use futures_util::{
    TryStreamExt,
    future::{Either, select},
};
use storage::{ByteStream, Error, ObjectKey, Result};
use worker::{
    js_sys::{BigInt, Uint8Array, futures::spawn_local},
    wasm_bindgen::JsValue,
    web_sys::WritableStreamDefaultWriter,
    worker_sys::{FixedLengthStream, R2Bucket},
};

use super::{
    CALL_TIMEOUT,
    failure::{classify, classify_thrown, timeout},
    wait_for_r2,
};
use crate::{promise::wait_for_call, timer::with_timeout};

/// Writes `body`, which is checked to have `size` bytes, to the runtime, which streams it to R2 as fast as R2 reads. If the
/// future is dropped early, nothing is stored.
pub(super) async fn put(
    bucket: &R2Bucket,
    key: &ObjectKey,
    body: ByteStream,
    size: u64,
    metadata: JsValue,
) -> Result<u64> {
    let pipe = FixedLengthStream::new_big_int(BigInt::from(size)).map_err(classify_thrown)?;
    let feed = Feed::open(&pipe)?;
    let stored = pin!(wait_for_call(bucket.put(key.to_string(), pipe.readable().into(), metadata)));
    let fed = pin!(feed.run(body));
    match select(fed, stored).await {
        Either::Left((Err(error @ (Error::Body(_) | Error::Unavailable(_))), _)) => return Err(error),
        Either::Left((fed, stored)) => {
            // If the pipe failed, R2 has failed, and its own error states the reason. So this waits for that first.
            let stored = with_timeout(CALL_TIMEOUT, stored).await.ok_or_else(timeout)?;
            stored.map_err(classify)?;
            fed?;
        }
        // R2 was done before the runtime reported that the pipe is closed, or R2 has failed.
        Either::Right((stored, _)) => drop(stored.map_err(classify)?),
    }
    Ok(size)
}

/// The writable end of the pipe. Unless it was closed after the last byte, dropping it aborts the upload.
struct Feed {
    writer: WritableStreamDefaultWriter,
    is_closed: bool,
}

impl Feed {
    fn open(pipe: &FixedLengthStream) -> Result<Self> {
        Ok(Self { writer: pipe.writable().get_writer().map_err(classify_thrown)?, is_closed: false })
    }

    async fn run(mut self, mut body: ByteStream) -> Result<()> {
        while let Some(chunk) = body.try_next().await? {
            if chunk.is_empty() {
                continue;
            }
            let chunk = Uint8Array::from(chunk.as_ref());
            wait_for_r2(Ok(self.writer.write_with_chunk(&chunk))).await?;
        }
        self.is_closed = true;
        wait_for_r2(Ok(self.writer.close())).await?;
        Ok(())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if !self.is_closed {
            let aborted = self.writer.abort_with_reason(&JsValue::from_str("the body is not complete"));
            // No one needs the result, but the runtime would log an unhandled rejection as a bug.
            spawn_local(async move { drop(wait_for_call(Ok(aborted)).await) });
        }
    }
}
