//! Image headers: the input is a file. The result must not depend on how its bytes are split into chunks.
#![no_main]

use bytes::Bytes;
use futures_executor::block_on;
use futures_util::stream;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let read = |length: usize| {
        let pieces: Vec<_> = data.chunks(length).map(Bytes::copy_from_slice).collect();
        block_on(images::inspect(stream::iter(pieces)))
    };
    let whole = read(data.len().max(1));
    assert_eq!(whole, read(5));
    if let Some((width, height)) = whole.and_then(|found| found.size) {
        assert!(width > 0 && height > 0);
    }
});
