//! The client's side: the trailers after a response's messages.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{StatusCode, Version};
use tonic::{Code, Status};

use crate::support::{Script, Step, frame, headers, http_response, message, outcome, receive, trailer_frame};

const BINARY: &str = "application/grpc-web+proto";

#[tokio::test]
async fn trailers_in_the_body_become_http_trailers() {
    let body = [message("hello"), trailer_frame("grpc-status: 0\r\nx-tag: a\r\n")].concat();
    let mut response = http_response(BINARY, Script::data(body.clone()));
    response.headers_mut().extend(headers(&[("content-length", "40"), ("x-region", "NRT")]));
    let (parts, read) = receive(response).await;
    assert_eq!((parts.status, parts.version), (StatusCode::OK, Version::HTTP_2));
    assert_eq!(parts.headers, headers(&[("content-type", "application/grpc"), ("x-region", "NRT")]));
    let read = read.unwrap();
    assert_eq!(read.data(), message("hello"));
    assert_eq!(read.trailers.unwrap(), headers(&[("grpc-status", "0"), ("x-tag", "a")]));
}

#[tokio::test]
async fn trailers_are_read_in_every_spelling() {
    for block in [
        "grpc-status: 9\r\ngrpc-message: a: b\r\nx-tag: a\r\nx-tag: b\r\n",
        "grpc-status:9\r\ngrpc-message:a: b\r\nx-tag:a\r\nx-tag:b\r\n",
        "Grpc-Status: 9\r\ngRPC-Message: a: b\r\nX-Tag: a\r\nx-tag: b\r\n",
        "grpc-status: 9\r\ngrpc-message: a: b\r\nx-tag: a\r\nx-tag: b",
        "grpc-status: 9\r\ngrpc-message: a: b\r\nx-tag: a\r\nx-tag: b\r\n\r\n",
        "grpc-status: 9\ngrpc-message:\t a: b  \nx-tag: a\nx-tag: b\n",
    ] {
        let (_, read) = receive(http_response(BINARY, Script::data(trailer_frame(block)))).await;
        let read = read.unwrap();
        assert_eq!(read.trailer("grpc-status"), ["9"], "{block:?}");
        assert_eq!(read.trailer("grpc-message"), ["a: b"], "{block:?}");
        assert_eq!(read.trailer("x-tag"), ["a", "b"], "{block:?}");
    }
}

#[tokio::test]
async fn a_message_and_trailers_in_one_chunk_both_arrive() {
    let body = [message("one"), message("two"), trailer_frame("grpc-status:0\r\n")].concat();
    let read = receive(http_response(BINARY, Script::data(body))).await.1.unwrap();
    assert_eq!(read.data(), [message("one"), message("two")].concat());
    assert_eq!(read.trailer("grpc-status"), ["0"]);
}

#[tokio::test]
async fn an_empty_message_is_a_message() {
    let body = [message(""), trailer_frame("grpc-status:0\r\n")].concat();
    let read = receive(http_response(BINARY, Script::data(body))).await.1.unwrap();
    assert_eq!(read.data(), message(""));
}

#[tokio::test]
async fn trailers_are_limited_to_64_kib() {
    let block = |bytes: usize| {
        let start = "grpc-status:0\r\nx-fill:";
        format!("{start}{}\r\n", "x".repeat(bytes - start.len() - 2))
    };
    let at_limit = trailer_frame(&block(64 * 1024));
    assert_eq!(outcome(http_response(BINARY, Script::data(at_limit))).await.code(), Code::Ok);
    let above = trailer_frame(&block(64 * 1024 + 1));
    assert_eq!(outcome(http_response(BINARY, Script::data(above))).await.code(), Code::ResourceExhausted);
    let claimed = vec![0x80, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(outcome(http_response(BINARY, Script::data(claimed))).await.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn malformed_messages_and_details_are_read() {
    let mut block = b"grpc-status: 3\r\ngrpc-message: ".to_vec();
    block.extend_from_slice(b"50%25 \xff caf%C3%A9 %zz %ff\r\n");
    block.extend_from_slice(b"grpc-status-details-bin: not base64!\r\n");
    let status = outcome(http_response(BINARY, Script::data(frame(0x80, &block)))).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "50% \u{fffd} café %zz \u{fffd}");
    let mut response = http_response(BINARY, Script::default());
    response
        .headers_mut()
        .extend(headers(&[("grpc-status", "3"), ("grpc-status-details-bin", "not base64!")]));
    assert_eq!(outcome(response).await.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn binary_trailers_are_read_with_and_without_padding_joined_and_raw() {
    for (value, expected) in [
        ("aGk=", vec!["aGk="]),
        ("aGk", vec!["aGk"]),
        ("aGk=, eW8", vec!["aGk=", "eW8"]),
        ("h\u{2}i!", vec!["aAJpIQ"]),
    ] {
        let block = format!("grpc-status: 0\r\nx-data-bin: {value}\r\n");
        let read = receive(http_response(BINARY, Script::data(trailer_frame(&block)))).await.1.unwrap();
        assert_eq!(read.trailer("x-data-bin"), expected, "{value:?}");
    }
}

#[tokio::test]
async fn trailers_do_not_wait_for_the_end_of_the_body() {
    let steps = [
        Step::Data(trailer_frame("grpc-status:0\r\n").into()),
        Step::Pause,
        Step::Fail(Status::internal("late")),
    ];
    assert_eq!(outcome(http_response(BINARY, Script::new(steps))).await.code(), Code::Ok);
}

#[tokio::test]
async fn text_after_the_trailers_is_an_error_in_any_chunk() {
    let trailers = STANDARD.encode(trailer_frame("grpc-status:0\r\n"));
    let whole = [trailers.as_bytes(), b"*a=="].concat();
    for at in [0, trailers.len(), trailers.len() + 1] {
        let (first, second) = whole.split_at(at);
        let steps = [first, second].map(|part| Step::Data(Bytes::copy_from_slice(part)));
        let response = http_response("application/grpc-web-text+proto", Script::new(steps));
        assert_eq!(outcome(response).await.code(), Code::Internal, "{at}");
    }
}

#[tokio::test]
async fn content_types_with_parameters_and_text_responses_are_read() {
    let body = [message("hello"), trailer_frame("grpc-status:0\r\n")].concat();
    let text = body.chunks(5).map(|flush| STANDARD.encode(flush)).collect::<String>();
    for (content_type, body) in [
        ("application/grpc-web", body.clone()),
        ("Application/grpc-web+proto; charset=utf-8", body),
        ("application/grpc-web-text+proto; charset=utf-8", text.into_bytes()),
    ] {
        let read = receive(http_response(content_type, Script::data(body))).await.1.unwrap();
        assert_eq!(read.data(), message("hello"), "{content_type}");
        assert_eq!(read.trailer("grpc-status"), ["0"]);
    }
}
