//! Chunks may split a body anywhere: the result is always the same as for the body in one piece.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::HeaderMap;
use tonic::Code;

use crate::support::{
    Broken, Read, Script, Step, frame, grpc_response, headers, http_response, message, read, receive,
    request, request_body, serve, trailer_frame,
};

const BINARY: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text+proto";

/// Every way to cut `body` in two or three, all single bytes, and single bytes with pauses.
fn scripts(body: &[u8]) -> Vec<Script> {
    let body = Bytes::copy_from_slice(body);
    let data = |from: usize, to: usize| Step::Data(body.slice(from..to));
    let end = body.len();
    let mut scripts = vec![Script::new([data(0, end)])];
    for first in 0..=end {
        for second in first..=end {
            scripts.push(Script::new([data(0, first), data(first, second), data(second, end)]));
        }
    }
    scripts.push(Script::new((0..end).map(|at| data(at, at + 1))));
    scripts.push(Script::new((0..end).flat_map(|at| [data(at, at + 1), Step::Pause])));
    scripts
}

/// What a reader of the body can observe, whatever the chunks.
type Summary = (Vec<u8>, Result<Option<HeaderMap>, (Code, String)>);

fn summary(read: Result<Read, Broken>) -> Summary {
    match read {
        Ok(read) => (read.data(), Ok(read.trailers)),
        Err(Broken { before, status }) => (before.data(), Err((status.code(), status.message().to_owned()))),
    }
}

/// Base64 from a sender that flushes after every `flush` bytes.
fn text(binary: &[u8], flush: usize) -> Vec<u8> {
    binary.chunks(flush).map(|flushed| STANDARD.encode(flushed)).collect::<String>().into_bytes()
}

fn response_bodies() -> Vec<Vec<u8>> {
    let trailers = trailer_frame("grpc-status:0\r\nx-tag:a\r\nx-tag:b\r\n");
    vec![
        trailers.clone(),
        [message("hello"), trailers.clone()].concat(),
        [message(""), frame(1, b"zip"), message("a"), trailers].concat(),
        [message("cut"), message("short")[..7].to_vec()].concat(),
        [message("good"), frame(0x42, b"bad")].concat(),
        [message("no"), trailer_frame("status\r\n")].concat(),
        frame(0x81, b"zip"),
    ]
}

#[tokio::test]
async fn a_binary_response_may_be_split_anywhere() {
    for body in response_bodies() {
        let whole = summary(receive(http_response(BINARY, Script::data(body.clone()))).await.1);
        for script in scripts(&body) {
            let split = summary(receive(http_response(BINARY, script.clone())).await.1);
            assert_eq!(split, whole, "{script:?}");
        }
    }
}

#[tokio::test]
async fn a_text_response_may_be_padded_and_split_anywhere() {
    for body in response_bodies().into_iter().take(3) {
        let whole = summary(receive(http_response(BINARY, Script::data(body.clone()))).await.1);
        for flush in 1..8 {
            for script in scripts(&text(&body, flush)) {
                let split = summary(receive(http_response(TEXT, script.clone())).await.1);
                assert_eq!(split, whole, "{script:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_request_may_be_split_anywhere() {
    for body in [
        message("hello"),
        [message(""), frame(1, b"zip"), message("a")].concat(),
        [message("hello"), trailer_frame("x-tag:a\r\n")].concat(),
        message("cut")[..6].to_vec(),
        [message("ok"), frame(7, b"bad")].concat(),
        [trailer_frame("x"), message("late")].concat(),
    ] {
        let whole = summary(request_body(request(BINARY, Script::data(body.clone()))).await);
        for script in scripts(&body) {
            let split = summary(request_body(request(BINARY, script.clone())).await);
            assert_eq!(split, whole, "{script:?}");
        }
        for flush in [1, 2, 3, 4, 100] {
            for script in scripts(&text(&body, flush)) {
                let split = summary(request_body(request(TEXT, script.clone())).await);
                assert_eq!(split, whole, "{script:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_services_response_may_be_split_anywhere() {
    let body = [message("hello"), message(""), frame(1, b"zip")].concat();
    let expected = [body.clone(), trailer_frame("grpc-status:0\r\n")].concat();
    for script in scripts(&body) {
        let steps = script.into_steps().chain([Step::Trailers(headers(&[("grpc-status", "0")]))]);
        let response = grpc_response(Script::new(steps));
        for (content_type, is_text) in [(BINARY, false), (TEXT, true)] {
            let response = serve(request(content_type, Script::default()), response.clone()).await.1;
            let body = read(response.into_body()).await.unwrap();
            // Each write is one flush, and is decoded on its own.
            let data = if is_text {
                body.writes.iter().flat_map(|write| STANDARD.decode(write).unwrap()).collect()
            } else {
                body.data()
            };
            assert_eq!(data, expected);
        }
    }
}
