//! Files that come in, and all the ways in which they do not.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use gateway_core::Config;
use http_body::Frame;
use http_body_util::StreamBody;
use tonic::body::Body;

use crate::stack::{Answer, RequestBuilder, Stack, config, request, start, start_with};

const BOUNDARY: &str = "XBOUNDARYX";
const UPLOAD: &str = "POST /api/images/upload";

/// One part, with the head that a browser writes.
fn part(head: &str, body: &str) -> String {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n")
}

fn file(bytes: &str) -> String {
    part("name=\"image\"; filename=\"cat.png\"\r\nContent-Type: image/png", bytes)
}

fn form(parts: &[String]) -> RequestBuilder {
    let body = format!("{}--{BOUNDARY}--\r\n", parts.concat());
    form_head().body(body)
}

fn form_head() -> RequestBuilder {
    request(UPLOAD).header("content-type", &format!("multipart/form-data; boundary={BOUNDARY}"))
}

fn in_chunks(bytes: impl Into<Bytes>, size: usize) -> Body {
    let bytes = bytes.into();
    let chunks: Vec<_> =
        bytes.chunks(size).map(|chunk| Ok(Frame::data(Bytes::copy_from_slice(chunk)))).collect();
    Body::new(StreamBody::new(stream::iter(chunks).map(|chunk: Result<_, std::io::Error>| chunk)))
}

fn stored(stack: &Stack) -> Option<Vec<u8>> {
    stack.service.seen().upload.as_ref().filter(|upload| upload.is_whole).map(|upload| upload.bytes.clone())
}

async fn refused(stack: &Stack, request: RequestBuilder, status: u16, word: &str) -> Answer {
    let answer = request.send(stack).await;
    let (actual, _, sentence) = answer.error();
    assert_eq!(actual, status, "{sentence}");
    assert!(sentence.contains(word), "`{word}` is not in: {sentence}");
    assert_eq!(stored(stack), None, "a part of a file must not be taken for the whole");
    answer
}

#[tokio::test]
async fn a_form_with_a_file_is_streamed_to_the_service() {
    let stack = start();
    let answer = form(&[part("name=\"metadata\"", "{\"camera\":\"x\"}"), file("PNGDATA")]).send(&stack).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    assert_eq!(answer.json()["image"]["filename"], "cat.png");
    assert_eq!(answer.header("x-reticle-bookmark"), "after");
    assert_eq!(stored(&stack).unwrap(), b"PNGDATA");
    let info = stack.service.seen().upload.as_ref().unwrap().info.clone();
    assert_eq!((info.content_type.as_str(), info.size_bytes), ("image/png", None));
}

#[tokio::test]
async fn a_form_may_be_cut_anywhere_on_its_way() {
    let late = part("name=\"filename\"", "late.png");
    let body = format!("{}{late}--{BOUNDARY}--\r\n", file("data with \r\n--XBOUNDARY inside"));
    for size in 1..=body.len() {
        let stack = start();
        let answer = form_head().streamed(in_chunks(body.clone(), size)).send(&stack).await;
        assert_eq!(answer.status, 201, "chunks of {size}: {:?}", answer.body);
        assert_eq!(stored(&stack).unwrap(), b"data with \r\n--XBOUNDARY inside");
        assert_eq!(stack.service.seen().upload.as_ref().unwrap().info.filename, "late.png");
    }
}

#[tokio::test]
async fn a_field_describes_the_file_from_either_side_of_it() {
    let (name, metadata) =
        (|| part("name=\"filename\"", "own.png"), || part("name=\"metadata\"", "{\"a\":1}"));
    for parts in [
        [name(), metadata(), file("PNG")],
        [name(), file("PNG"), metadata()],
        [file("PNG"), metadata(), name()],
    ] {
        let stack = start();
        let answer = form(&parts).send(&stack).await;
        assert_eq!(answer.status, 201, "{parts:?}: {:?}", answer.body);
        assert_eq!(stored(&stack).unwrap(), b"PNG");
        let info = stack.service.seen().upload.as_ref().unwrap().info.clone();
        assert_eq!(
            (info.filename.as_str(), info.content_type.as_str()),
            ("own.png", "image/png"),
            "{parts:?}"
        );
        assert!(info.metadata.unwrap().fields.contains_key("a"), "{parts:?}");
    }
}

#[tokio::test]
async fn a_file_keeps_the_name_that_its_client_encoded() {
    for (parameters, name) in [
        ("filename=\"=?utf-8?B?54yrLnBuZw==?=\"; filename*=utf-8''%E7%8C%AB.png", "猫.png"),
        ("filename*=utf-8''%E7%8C%AB.png", "猫.png"),
        ("filename=\"a; name=x.png\"", "a; name=x.png"),
    ] {
        let stack = start();
        let file = part(&format!("{parameters}; name=\"image\"\r\nContent-Type: image/png"), "PNG");
        assert_eq!(form(&[file]).send(&stack).await.json()["image"]["filename"], name, "{parameters}");
    }
    let stack = start();
    let head = b"Content-Disposition: form-data; name=\"image\"; filename=\"Stra\xdfe.png\"";
    let body = [b"--XBOUNDARYX\r\n", &head[..], b"\r\n\r\nPNG\r\n--XBOUNDARYX--\r\n"].concat();
    assert_eq!(form_head().body(body).send(&stack).await.json()["image"]["filename"], "Straße.png");
}

#[tokio::test]
async fn a_raw_body_is_a_file_too() {
    let stack = start();
    let upload = request(&format!("{UPLOAD}?filename=my%20cat.png")).header("content-type", "image/png");
    let answer = upload.body("PNGDATA").send(&stack).await;
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    assert_eq!(stored(&stack).unwrap(), b"PNGDATA");
    let info = stack.service.seen().upload.as_ref().unwrap().info.clone();
    assert_eq!((info.filename.as_str(), info.content_type.as_str()), ("my cat.png", "image/png"));
    assert_eq!(info.size_bytes, Some(7));
}

#[tokio::test]
async fn what_is_neither_a_form_nor_an_image_is_refused() {
    let stack = start();
    for media_type in ["text/plain", "application/json", "multipart/mixed; boundary=x"] {
        let upload = request(UPLOAD).header("content-type", media_type).body("x");
        refused(&stack, upload, 415, "`image`").await;
    }
    refused(&stack, request(UPLOAD).body("x"), 415, "image/*").await;
    let unbounded = request(UPLOAD).header("content-type", "multipart/form-data").body("x");
    refused(&stack, unbounded, 400, "boundary").await;
    let zipped =
        request(UPLOAD).header("content-type", "image/png").header("content-encoding", "gzip").body("x");
    refused(&stack, zipped, 415, "Content-Encoding").await;
    assert_eq!(stack.service.seen().calls, 0);
}

#[tokio::test]
async fn a_form_that_is_not_as_it_must_be_is_refused_by_name() {
    let stack = start();
    refused(&stack, form(&[]), 400, "`image`").await;
    refused(&stack, form(&[part("name=\"metadata\"", "{}")]), 400, "`image`").await;
    refused(&stack, form(&[part("name=\"colour\"", "red"), file("x")]), 400, "colour").await;
    refused(&stack, form(&[part("name=\"other\"; filename=\"a\"", "x"), file("x")]), 400, "other").await;
    refused(&stack, form(&[file("x"), file("y")]), 400, "`image`").await;
    refused(&stack, form(&[file("x"), part("name=\"colour\"", "red")]), 400, "colour").await;
    refused(&stack, form(&[file("x"), part("name=\"other\"; filename=\"a\"", "x")]), 400, "other").await;
    let twice = [part("name=\"filename\"", "a"), file("x"), part("name=\"filename\"", "b")];
    refused(&stack, form(&twice), 400, "more than once").await;
    let many: Vec<_> =
        [file("x")].into_iter().chain((0..33).map(|_| part("name=\"filename\"", "a"))).collect();
    refused(&stack, form(&many), 400, "32").await;
    let unreadable = part("name=\"image\"; filename*=koi8-r''%CB.png", "x");
    refused(&stack, form(&[unreadable]), 400, "filename must be UTF-8").await;
    let many: Vec<_> = (0..33).map(|_| part("name=\"filename\"", "a")).chain([file("x")]).collect();
    refused(&stack, form(&many), 400, "32").await;
    refused(&stack, form_head().body("no form at all"), 400, "form").await;
    refused(&stack, form(&[part("x=y", "x"), file("x")]), 400, "form must name each part").await;
    let long_name = part(&format!("name=\"{}\"", "n".repeat(201)), "x");
    assert!(refused(&stack, form(&[long_name, file("x")]), 400, "200").await.body.len() < 1000);
}

#[tokio::test]
async fn a_form_cannot_fill_the_memory_beside_its_file() {
    let stack = start();
    let long = "x".repeat(300 * 1024);
    refused(&stack, form(&[part("name=\"filename\"", &long), file("x")]), 413, "larger").await;
    let endless_head = format!("--{BOUNDARY}\r\nContent-Disposition: {long}");
    refused(&stack, form_head().streamed(in_chunks(endless_head, 1000)), 413, "larger").await;
    let longer = "x".repeat(600 * 1024);
    refused(&stack, form(&[file("x"), part("name=\"filename\"", &longer)]), 413, "larger").await;
}

#[tokio::test]
async fn the_limit_of_a_file_holds_to_the_byte_however_it_comes() {
    let limit = 100_000;
    let config = || Config { max_upload_bytes: limit, ..config() };
    let raw = || request(UPLOAD).header("content-type", "image/png");
    for (size, fits) in [(limit, true), (limit + 1, false)] {
        let bytes = "x".repeat(usize::try_from(size).unwrap());
        let whole_form = format!("{}--{BOUNDARY}--\r\n", file(&bytes));
        for upload in [
            raw().body(bytes.clone()),
            raw().streamed(in_chunks(bytes.clone(), 7_777)),
            form(&[file(&bytes)]),
            form_head().streamed(in_chunks(whole_form, 7_777)),
        ] {
            let stack = start_with(config());
            if fits {
                assert_eq!(upload.send(&stack).await.status, 201);
                assert_eq!(stored(&stack).unwrap().len() as u64, limit);
            } else {
                refused(&stack, upload, 413, "100000").await;
            }
        }
    }
}

#[tokio::test]
async fn a_length_that_is_too_large_is_refused_before_anything_is_read() {
    let stack = start();
    let unread = || {
        Body::new(StreamBody::new(stream::poll_fn(
            |_| -> std::task::Poll<Option<Result<Frame<Bytes>, std::io::Error>>> { panic!("read") },
        )))
    };
    let raw = request(UPLOAD)
        .header("content-type", "image/png")
        .header("content-length", "10485761")
        .header("expect", "100-continue");
    refused(&stack, raw.streamed(unread()), 413, "10485760").await;
    let form = form_head().header("content-length", "99999999999");
    refused(&stack, form.streamed(unread()), 413, "10485760").await;
}

#[tokio::test]
async fn messages_stay_small_however_large_the_chunks_are() {
    let stack = start();
    let bytes = "x".repeat(1_000_000);
    assert_eq!(
        request(UPLOAD).header("content-type", "image/png").body(bytes.clone()).send(&stack).await.status,
        201
    );
    assert_eq!(stored(&stack).unwrap().len(), bytes.len());
    assert_eq!(stack.service.seen().upload.as_ref().unwrap().largest_message, 64 * 1024);
    assert_eq!(form(&[file(&bytes)]).send(&stack).await.status, 201);
    assert_eq!(stored(&stack).unwrap().len(), bytes.len());
}

#[tokio::test]
async fn a_client_that_vanishes_midway_leaves_no_whole_file_behind() {
    let gone = || Err(std::io::Error::other("connection reset"));
    let sent = |bytes: Bytes| Body::new(StreamBody::new(stream::iter([Ok(Frame::data(bytes)), gone()])));
    let half_form = file("PNGDATA").trim_end().to_owned();
    for upload in [
        request(UPLOAD).header("content-type", "image/png").streamed(sent(Bytes::from_static(b"PNG"))),
        form_head().streamed(sent(half_form.clone().into())),
        form_head().streamed(in_chunks(half_form, 10)),
    ] {
        let stack = start();
        refused(&stack, upload, 400, "").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stands_still_is_not_waited_for() {
    let stack = start();
    let stalls = stream::iter([Ok(Frame::data(Bytes::from_static(b"PNG")))]).chain(stream::pending());
    let body = Body::new(StreamBody::new(stalls.map(|frame: Result<_, std::io::Error>| frame)));
    let upload = request(UPLOAD).header("content-type", "image/png").streamed(body);
    refused(&stack, upload, 408, "still").await;
}

#[tokio::test]
async fn a_service_that_refuses_early_is_believed_however_much_is_still_to_come() {
    let stack = start();
    let endless =
        stream::repeat_with(|| Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(&[0; 1000]))));
    let upload = request(&format!("{UPLOAD}?filename=refused")).header("content-type", "image/png");
    refused(&stack, upload.streamed(Body::new(StreamBody::new(endless))), 415, "No image").await;
}

#[tokio::test]
async fn a_hostile_filename_is_data_or_a_clear_error() {
    for name in ["../../etc/passwd", "..\\\\x", &"n".repeat(4096), "猫🐈.png", "a\\\"b.png", "%00%2e"] {
        let stack = start();
        let file = part(&format!("name=\"image\"; filename=\"{name}\"\r\nContent-Type: image/png"), "PNG");
        let answer = form(&[file]).send(&stack).await;
        assert_eq!(answer.status, 201, "{name}: {:?}", answer.body);
    }
    for name in ["a\0b", "a\u{1}b"] {
        let stack = start();
        let file = part(&format!("name=\"image\"; filename=\"{name}\"\r\nContent-Type: image/png"), "PNG");
        let status = form(&[file]).send(&stack).await.status;
        assert!(status == 201 || status == 400, "{name:?}: {status}");
    }
    let stack = start();
    let raw = request(&format!("{UPLOAD}?filename=a%00b")).header("content-type", "image/png").body("PNG");
    assert_eq!(raw.send(&stack).await.status, 201);
    assert_eq!(stack.service.seen().upload.as_ref().unwrap().info.filename, "a\0b", "the service cleans it");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_read_holds_the_client_back() {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"stalled\"\r\n\r\n"
    );
    for (upload, head) in [
        (request(&format!("{UPLOAD}?filename=stalled")).header("content-type", "image/png"), String::new()),
        (form_head(), head),
    ] {
        let stack = start_with(Config { max_discarded_bytes: 0, ..config() });
        let read = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&read);
        let endless = stream::repeat_with(move || {
            counter.fetch_add(10_000, Ordering::Relaxed);
            Bytes::from_static(&[0; 10_000])
        });
        let chunks = stream::iter([Bytes::from(head)])
            .chain(endless)
            .map(|chunk| Ok::<_, std::io::Error>(Frame::data(chunk)));
        refused(&stack, upload.streamed(Body::new(StreamBody::new(chunks))), 504, "in time").await;
        let read = read.load(Ordering::Relaxed);
        assert!(read < 200_000, "{read} bytes were read for a service that took none");
    }
}
