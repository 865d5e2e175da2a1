//! Uploads, and all the ways in which they fail.

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

use crate::stack::{Reply, RequestBuilder, Stack, config, request, start, start_with};

const BOUNDARY: &str = "XBOUNDARYX";
const UPLOAD: &str = "POST /api/images/upload";

/// One part, with the headers that a browser writes.
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
    stack
        .service
        .seen()
        .upload
        .as_ref()
        .filter(|upload| upload.is_complete)
        .map(|upload| upload.bytes.clone())
}

/// Requires that `request` is rejected with `status` and a message that contains `word`, and that no file is stored.
async fn expect_rejected(stack: &Stack, request: RequestBuilder, status: u16, word: &str) -> Reply {
    let reply = request.send(stack).await;
    let (actual, _, message) = reply.error();
    assert_eq!(actual, status, "{message}");
    assert!(message.contains(word), "`{word}` is not in: {message}");
    assert_eq!(stored(stack), None, "a part of a file must not be stored as the whole file");
    reply
}

#[tokio::test]
async fn a_form_with_a_file_is_streamed_to_the_service() {
    let stack = start();
    let reply = form(&[part("name=\"metadata\"", "{\"camera\":\"x\"}"), file("PNGDATA")]).send(&stack).await;
    assert_eq!(reply.status, 201, "{:?}", reply.body);
    assert_eq!(reply.json()["image"]["filename"], "cat.png");
    assert_eq!(reply.header("x-reticle-bookmark"), "after");
    assert_eq!(stored(&stack).unwrap(), b"PNGDATA");
    let info = stack.service.seen().upload.as_ref().unwrap().info.clone();
    assert_eq!((info.content_type.as_str(), info.size_bytes), ("image/png", None));
}

#[tokio::test]
async fn a_form_may_be_split_into_chunks_anywhere() {
    let late = part("name=\"filename\"", "late.png");
    let body = format!("{}{late}--{BOUNDARY}--\r\n", file("data with \r\n--XBOUNDARY inside"));
    for size in 1..=body.len() {
        let stack = start();
        let reply = form_head().streamed(in_chunks(body.clone(), size)).send(&stack).await;
        assert_eq!(reply.status, 201, "chunks of {size}: {:?}", reply.body);
        assert_eq!(stored(&stack).unwrap(), b"data with \r\n--XBOUNDARY inside");
        assert_eq!(stack.service.seen().upload.as_ref().unwrap().info.filename, "late.png");
    }
}

#[tokio::test]
async fn a_text_part_may_come_before_or_after_the_file() {
    let (name, metadata) =
        (|| part("name=\"filename\"", "own.png"), || part("name=\"metadata\"", "{\"a\":1}"));
    for parts in [
        [name(), metadata(), file("PNG")],
        [name(), file("PNG"), metadata()],
        [file("PNG"), metadata(), name()],
    ] {
        let stack = start();
        let reply = form(&parts).send(&stack).await;
        assert_eq!(reply.status, 201, "{parts:?}: {:?}", reply.body);
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
async fn a_filename_is_decoded_from_each_encoding() {
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
async fn a_raw_body_is_accepted_as_a_file() {
    let stack = start();
    let upload = request(&format!("{UPLOAD}?filename=my%20cat.png")).header("content-type", "image/png");
    let reply = upload.body("PNGDATA").send(&stack).await;
    assert_eq!(reply.status, 201, "{:?}", reply.body);
    assert_eq!(stored(&stack).unwrap(), b"PNGDATA");
    let info = stack.service.seen().upload.as_ref().unwrap().info.clone();
    assert_eq!((info.filename.as_str(), info.content_type.as_str()), ("my cat.png", "image/png"));
    assert_eq!(info.size_bytes, Some(7));
}

#[tokio::test]
async fn a_body_that_is_neither_a_form_nor_an_image_is_rejected() {
    let stack = start();
    for media_type in ["text/plain", "application/json", "multipart/mixed; boundary=x"] {
        let upload = request(UPLOAD).header("content-type", media_type).body("x");
        expect_rejected(&stack, upload, 415, "`image`").await;
    }
    expect_rejected(&stack, request(UPLOAD).body("x"), 415, "image/*").await;
    let unbounded = request(UPLOAD).header("content-type", "multipart/form-data").body("x");
    expect_rejected(&stack, unbounded, 400, "boundary").await;
    let zipped =
        request(UPLOAD).header("content-type", "image/png").header("content-encoding", "gzip").body("x");
    expect_rejected(&stack, zipped, 415, "Content-Encoding").await;
    assert_eq!(stack.service.seen().calls, 0);
}

#[tokio::test]
async fn an_invalid_form_is_rejected_and_the_error_names_the_part() {
    let stack = start();
    expect_rejected(&stack, form(&[]), 400, "`image`").await;
    expect_rejected(&stack, form(&[part("name=\"metadata\"", "{}")]), 400, "`image`").await;
    expect_rejected(&stack, form(&[part("name=\"colour\"", "red"), file("x")]), 400, "colour").await;
    expect_rejected(&stack, form(&[part("name=\"other\"; filename=\"a\"", "x"), file("x")]), 400, "other")
        .await;
    expect_rejected(&stack, form(&[file("x"), file("y")]), 400, "`image`").await;
    expect_rejected(&stack, form(&[file("x"), part("name=\"colour\"", "red")]), 400, "colour").await;
    expect_rejected(&stack, form(&[file("x"), part("name=\"other\"; filename=\"a\"", "x")]), 400, "other")
        .await;
    let twice = [part("name=\"filename\"", "a"), file("x"), part("name=\"filename\"", "b")];
    expect_rejected(&stack, form(&twice), 400, "more than once").await;
    let many: Vec<_> =
        [file("x")].into_iter().chain((0..33).map(|_| part("name=\"filename\"", "a"))).collect();
    expect_rejected(&stack, form(&many), 400, "32").await;
    let unreadable = part("name=\"image\"; filename*=koi8-r''%CB.png", "x");
    expect_rejected(&stack, form(&[unreadable]), 400, "filename must be UTF-8").await;
    let many: Vec<_> = (0..33).map(|_| part("name=\"filename\"", "a")).chain([file("x")]).collect();
    expect_rejected(&stack, form(&many), 400, "32").await;
    expect_rejected(&stack, form_head().body("no form at all"), 400, "form").await;
    expect_rejected(&stack, form(&[part("x=y", "x"), file("x")]), 400, "form must name each part").await;
    let long_name = part(&format!("name=\"{}\"", "n".repeat(201)), "x");
    assert!(expect_rejected(&stack, form(&[long_name, file("x")]), 400, "200").await.body.len() < 1000);
}

#[tokio::test]
async fn headers_and_text_parts_of_a_form_are_limited() {
    let stack = start();
    let long = "x".repeat(300 * 1024);
    expect_rejected(&stack, form(&[part("name=\"filename\"", &long), file("x")]), 413, "larger").await;
    let endless_head = format!("--{BOUNDARY}\r\nContent-Disposition: {long}{long}");
    expect_rejected(&stack, form_head().streamed(in_chunks(endless_head, 1000)), 413, "larger").await;
    let longer = "x".repeat(600 * 1024);
    expect_rejected(&stack, form(&[file("x"), part("name=\"filename\"", &longer)]), 413, "larger").await;
}

#[tokio::test]
async fn the_limit_of_a_file_is_exact_however_it_is_sent() {
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
                expect_rejected(&stack, upload, 413, "100000").await;
            }
        }
    }
}

#[tokio::test]
async fn text_parts_before_and_after_a_file_do_not_count_as_the_file() {
    let limit = 100_000;
    // The longest: with the name of the part, 256 KiB.
    let text = "x".repeat(256 * 1024 - "metadata".len() - r#"{"note":""}"#.len());
    let before = part("name=\"filename\"", &text);
    let after = part("name=\"metadata\"", &format!("{{\"note\":\"{text}\"}}"));
    let whole = [before, file(&"x".repeat(limit)), after];
    let in_parts = format!("{}--{BOUNDARY}--\r\n", whole.concat());
    for upload in [form(&whole), form_head().streamed(in_chunks(in_parts, 7_777))] {
        let stack = start_with(Config { max_upload_bytes: limit as u64, ..config() });
        let reply = upload.send(&stack).await;
        assert_eq!(reply.status, 201, "{:?}", reply.body);
        assert_eq!(stored(&stack).unwrap().len(), limit);
    }
}

#[tokio::test]
async fn a_declared_length_that_is_too_large_is_rejected_before_the_body_is_read() {
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
    expect_rejected(&stack, raw.streamed(unread()), 413, "10485760").await;
    let form = form_head().header("content-length", "99999999999");
    expect_rejected(&stack, form.streamed(unread()), 413, "10485760").await;
}

#[tokio::test]
async fn messages_have_at_most_64_kib_however_large_the_chunks_are() {
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
async fn a_connection_that_breaks_leaves_no_complete_file() {
    let gone = || Err(std::io::Error::other("connection reset"));
    let sent = |bytes: Bytes| Body::new(StreamBody::new(stream::iter([Ok(Frame::data(bytes)), gone()])));
    let half_form = file("PNGDATA").trim_end().to_owned();
    for upload in [
        request(UPLOAD).header("content-type", "image/png").streamed(sent(Bytes::from_static(b"PNG"))),
        form_head().streamed(sent(half_form.clone().into())),
        form_head().streamed(in_chunks(half_form, 10)),
    ] {
        let stack = start();
        expect_rejected(&stack, upload, 400, "").await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stalls_is_rejected() {
    let stack = start();
    let stalls = stream::iter([Ok(Frame::data(Bytes::from_static(b"PNG")))]).chain(stream::pending());
    let body = Body::new(StreamBody::new(stalls.map(|frame: Result<_, std::io::Error>| frame)));
    let upload = request(UPLOAD).header("content-type", "image/png").streamed(body);
    expect_rejected(&stack, upload, 408, "stalled").await;
}

#[tokio::test]
async fn an_early_rejection_by_the_service_ends_an_endless_upload() {
    let stack = start();
    let endless =
        stream::repeat_with(|| Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(&[0; 1000]))));
    let upload = request(&format!("{UPLOAD}?filename=rejected")).header("content-type", "image/png");
    expect_rejected(&stack, upload.streamed(Body::new(StreamBody::new(endless))), 415, "No image").await;
}

#[tokio::test]
async fn a_hostile_filename_is_accepted_as_data_or_is_an_error() {
    for name in ["../../etc/passwd", "..\\\\x", &"n".repeat(4096), "猫🐈.png", "a\\\"b.png", "%00%2e"] {
        let stack = start();
        let file = part(&format!("name=\"image\"; filename=\"{name}\"\r\nContent-Type: image/png"), "PNG");
        let reply = form(&[file]).send(&stack).await;
        assert_eq!(reply.status, 201, "{name}: {:?}", reply.body);
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
    assert_eq!(
        stack.service.seen().upload.as_ref().unwrap().info.filename,
        "a\0b",
        "the gateway forwards it unchanged"
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_read_applies_back_pressure_to_the_client() {
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
        expect_rejected(&stack, upload.streamed(Body::new(StreamBody::new(chunks))), 504, "in time").await;
        let read = read.load(Ordering::Relaxed);
        assert!(read < 200_000, "{read} bytes were read for a service that read none");
    }
}
