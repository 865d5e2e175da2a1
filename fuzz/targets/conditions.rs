//! Entity tags and ranges: each line is a header of a download. The body must be the range that the response names, byte by
//! byte.
#![no_main]

use fuzz::{CONTENT_BYTES, Client, content_byte};
use http::StatusCode;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static CLIENT: LazyLock<Client> = LazyLock::new(Client::default);

const NAMES: [&str; 5] = ["range", "if-range", "if-none-match", "if-match", "if-modified-since"];

fuzz_target!(|data: &[u8]| {
    // The parsers for these headers on routes that change a resource.
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = transcoding::contract::EntityTags::parse(text);
        let _ = aip::Etag::parse(text);
    }
    let headers: Vec<_> = data
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = NAMES.into_iter().find(|name| name.as_bytes() == &line[..colon])?;
            Some((name, &line[colon + 1..]))
        })
        .collect();
    let uri = b"/api/images/0190a0b0c0d07abc8000000000000001/content";
    let Some(reply) = CLIENT.send(b"GET", uri, &headers, Vec::new()) else { return };
    reply.check();
    let body = reply.body.expect("the body ends early");
    match reply.status {
        StatusCode::OK => assert_range(&body, 0, CONTENT_BYTES - 1),
        StatusCode::PARTIAL_CONTENT => {
            let range = reply.headers["content-range"].to_str().unwrap();
            let (first, last) = range
                .strip_prefix("bytes ")
                .and_then(|range| range.strip_suffix("/1000"))
                .and_then(|range| range.split_once('-'))
                .unwrap();
            let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
            assert!(first <= last && last < CONTENT_BYTES, "{range}");
            assert_range(&body, first, last);
        }
        StatusCode::NOT_MODIFIED => assert!(body.is_empty()),
        StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::BAD_REQUEST | StatusCode::PRECONDITION_FAILED => {}
        other => panic!("{other}: {body:?}"),
    }
});

/// Checks that `body` is the bytes of the image from `first` to `last`.
fn assert_range(body: &[u8], first: usize, last: usize) {
    assert!(
        body.iter().copied().eq((first..=last).map(content_byte)),
        "not the bytes {first} to {last}: {body:?}"
    );
}
