//! A fake R2 binding that fails at a chosen step.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use storage_worker::{R2Objects, sleep};
use worker::{
    js_sys::{
        Array, Date, Error,
        futures::{JsFuture, future_to_promise},
    },
    wasm_bindgen::{JsCast, JsValue, closure::Closure},
    web_sys::ReadableStream,
};

use crate::fake::{method, object, promise};

/// Counts the aborted multipart uploads.
#[derive(Clone, Default)]
pub(crate) struct Aborted(Arc<AtomicUsize>);

impl Aborted {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A bucket whose calls fail. `put` cancels the body's stream first and reports the failure later. A multipart upload fails at
/// part `good_parts + 1`, or at its completion if it has fewer parts.
pub(crate) fn bucket(good_parts: usize) -> (R2Objects, Aborted) {
    let aborted = Aborted::default();
    let abort = aborted.clone();
    let sent = Arc::new(AtomicUsize::new(0));
    let upload_part = method(move || {
        let part = sent.fetch_add(1, Ordering::Relaxed);
        if part < good_parts { promise(Ok(object([]))) } else { fails("uploadPart") }
    });
    let upload = object([
        ("uploadPart", upload_part),
        ("complete", method(|| fails("completeMultipartUpload"))),
        (
            "abort",
            method(move || {
                abort.0.fetch_add(1, Ordering::Relaxed);
                promise(Ok(JsValue::UNDEFINED))
            }),
        ),
    ]);
    let binding = object([
        ("put", put()),
        ("get", method(|| fails("get"))),
        ("head", method(|| fails("head"))),
        ("delete", method(|| fails("delete"))),
        ("list", method(|| fails("list"))),
        ("createMultipartUpload", method(move || promise(Ok(upload.clone())))),
    ]);
    (R2Objects::new(binding.unchecked_into()), aborted)
}

/// `put(key, body, options)`.
fn put() -> JsValue {
    let put = Closure::<dyn FnMut(JsValue, JsValue) -> JsValue>::new(|_, body: JsValue| {
        let canceled = body.dyn_into::<ReadableStream>().map(|body| body.cancel());
        let failed = future_to_promise(async move {
            if let Ok(canceled) = canceled {
                drop(JsFuture::from(canceled).await);
            }
            sleep(Duration::from_millis(5)).await;
            Err(failure("put"))
        });
        failed.into()
    });
    put.into_js_value()
}

fn fails(method: &str) -> JsValue {
    promise(Err(failure(method)))
}

fn failure(method: &str) -> JsValue {
    Error::new(&format!("{method}: We encountered an internal error. Please try again. (10001)")).into()
}

/// A bucket with two pages: one has a foreign object, and one has an object of Reticle, `a`.
pub(crate) fn shared_bucket() -> R2Objects {
    let mut pages = [page("Foreign object.txt", true), page("a", false)].into_iter();
    let list = method(move || promise(Ok(pages.next().unwrap_or_default())));
    R2Objects::new(object([("list", list)]).unchecked_into())
}

fn page(key: &str, truncated: bool) -> JsValue {
    let uploaded = Date::new(&JsValue::from_f64(1_763_900_000_000.0));
    let listed = object([
        ("key", JsValue::from_str(key)),
        ("size", JsValue::from_f64(1.0)),
        ("uploaded", uploaded.into()),
    ]);
    object([("objects", Array::of1(&listed).into()), ("truncated", JsValue::from_bool(truncated))])
}
