//! Stores a body of known length, as it comes.

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
    PATIENCE, answered,
    failure::{classify, classify_thrown, no_answer},
};
use crate::{promise::settled, timer::within};

/// Feeds `body` to the runtime, which sends it on to R2 at R2's pace. Dropped midway, it stores nothing.
pub(super) async fn put(
    bucket: &R2Bucket,
    key: &ObjectKey,
    body: ByteStream,
    size: u64,
    metadata: JsValue,
) -> Result<u64> {
    let pipe = FixedLengthStream::new_big_int(BigInt::from(size)).map_err(classify_thrown)?;
    let feed = Feed::open(&pipe)?;
    let stored = pin!(settled(bucket.put(key.to_string(), pipe.readable().into(), metadata)));
    let fed = pin!(feed.run(storage::exactly(size, body)));
    match select(fed, stored).await {
        Either::Left((Err(error @ (Error::Body(_) | Error::Unavailable(_))), _)) => return Err(error),
        Either::Left((fed, stored)) => {
            // A pipe that takes no more is R2's failure, and R2 says why.
            let stored = within(PATIENCE, stored).await.ok_or_else(no_answer)?;
            stored.map_err(classify)?;
            fed?;
        }
        // R2 is done before the runtime says that it has everything, or R2 has failed.
        Either::Right((stored, _)) => drop(stored.map_err(classify)?),
    }
    Ok(size)
}

/// The end of a pipe that takes the bytes. Unless it was closed after the last one, what was written so far is void.
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
            answered(Ok(self.writer.write_with_chunk(&chunk))).await?;
        }
        self.is_closed = true;
        answered(Ok(self.writer.close())).await?;
        Ok(())
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if !self.is_closed {
            let aborted = self.writer.abort_with_reason(&JsValue::from_str("the body ended early"));
            // Nobody waits for it, but a rejection that nobody hears of would be logged as a bug.
            spawn_local(async move { drop(settled(Ok(aborted)).await) });
        }
    }
}
