//! Forms: the first line is the content type, the rest is the form. The response must not depend on how the bytes are split.
#![no_main]

use bytes::Bytes;
use fuzz::{Client, first_line};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static CLIENT: LazyLock<Client> = LazyLock::new(Client::default);

fuzz_target!(|data: &[u8]| {
    let (content_type, form) = first_line(data);
    let send =
        |pieces| CLIENT.send(b"POST", b"/api/images/upload", &[("content-type", content_type)], pieces);
    let Some(whole) = send(vec![Bytes::copy_from_slice(form)]) else { return };
    whole.check();
    let pieces = send(form.chunks(7).map(Bytes::copy_from_slice).collect()).unwrap();
    assert_eq!((whole.status, whole.body), (pieces.status, pieces.body));
});
