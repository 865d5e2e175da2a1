//! An R2 binding that fails where a test says.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use storage_worker::R2Objects;
use worker::{
    js_sys::Error,
    wasm_bindgen::{JsCast, JsValue},
};

use crate::fake::{method, object, promise};

/// How often uploads in parts were aborted.
#[derive(Clone, Default)]
pub(crate) struct Aborted(Arc<AtomicUsize>);

impl Aborted {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A bucket whose puts fail at once, and whose uploads in parts fail at the part `good_parts + 1`, or at their end if
/// there is none.
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
        ("put", method(|| fails("put"))),
        ("get", method(|| fails("get"))),
        ("head", method(|| fails("head"))),
        ("delete", method(|| fails("delete"))),
        ("list", method(|| fails("list"))),
        ("createMultipartUpload", method(move || promise(Ok(upload.clone())))),
    ]);
    (R2Objects::new(binding.unchecked_into()), aborted)
}

fn fails(method: &str) -> JsValue {
    let text = format!("{method}: We encountered an internal error. Please try again. (10001)");
    promise(Err(Error::new(&text).into()))
}
