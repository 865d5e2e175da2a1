//! The server's side: the request that the inner service receives.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Version;
use tonic::Code;

use crate::support::{
    Script, frame, headers, hello, message, request, request_body, serve, trailer_frame, values,
};

const BINARY: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text+proto";

#[tokio::test]
async fn a_web_request_becomes_a_grpc_request() {
    let mut request = request(BINARY, Script::data(message("hi")));
    request.headers_mut().extend(headers(&[
        ("content-length", "7"),
        ("x-grpc-web", "1"),
        ("accept", "*/*"),
        ("x-trace", "a"),
    ]));
    let (parts, body) = serve(request, hello()).await.0.unwrap();
    assert_eq!(parts.version, Version::HTTP_2);
    assert_eq!(parts.uri.path(), "/echo.v1.Echo/Say");
    assert_eq!(
        parts.headers,
        headers(&[("content-type", "application/grpc"), ("te", "trailers"), ("x-trace", "a")])
    );
    assert_eq!(body.unwrap().data(), message("hi"));
}

#[tokio::test]
async fn a_text_request_may_have_padding_in_its_middle() {
    let body = [message("hello"), message("you")].concat();
    let flushes = body.chunks(4).map(|flush| STANDARD.encode(flush)).collect::<String>();
    assert!(flushes.trim_end_matches('=').contains('='));
    let body_read = request_body(request(TEXT, Script::data(flushes))).await.unwrap();
    assert_eq!(body_read.data(), body);
}

#[tokio::test]
async fn a_malformed_request_ends_with_internal() {
    let unpadded = STANDARD.encode(message("hi!")).trim_end_matches('=').to_owned();
    for (name, content_type, body, expected) in [
        ("ends inside a length", BINARY, vec![0, 0, 0], "The body ended inside a frame"),
        ("ends inside a message", BINARY, frame(0, b"abc")[..7].to_vec(), "The body ended inside a frame"),
        (
            "ends inside trailers",
            BINARY,
            trailer_frame("a:b\r\n")[..8].to_vec(),
            "The body ended inside a frame",
        ),
        ("flags", BINARY, frame(2, b"abc"), "A frame has the unknown flags 0x02"),
        ("flags of trailers", BINARY, frame(0x82, b"abc"), "A frame has the unknown flags 0x82"),
        (
            "after trailers",
            BINARY,
            [trailer_frame(""), message("x")].concat(),
            "The body continues after its trailers",
        ),
        (
            "not base64",
            TEXT,
            b"!!!!".to_vec(),
            "The text form of the body is not base64 padded to groups of four characters",
        ),
        (
            "padding inside a group",
            TEXT,
            b"AA=A".to_vec(),
            "The text form of the body is not base64 padded to groups of four characters",
        ),
        (
            "not padded",
            TEXT,
            unpadded.into_bytes(),
            "The text form of the body is not base64 padded to groups of four characters",
        ),
    ] {
        let error = request_body(request(content_type, Script::data(body))).await.unwrap_err().status;
        assert_eq!((error.code(), error.message()), (Code::Internal, expected), "{name}");
    }
}

#[tokio::test]
async fn messages_before_a_malformed_frame_still_arrive() {
    let body = [message("good"), frame(9, b"bad")].concat();
    let broken = request_body(request(BINARY, Script::data(body))).await.unwrap_err();
    assert_eq!(broken.before.data(), message("good"));
    assert_eq!(broken.status.code(), Code::Internal);
}

#[tokio::test]
async fn a_trailer_frame_ends_a_request_and_is_dropped_whatever_its_size() {
    for flags in [0x80, 0x81] {
        let body = [message("hi"), frame(flags, &vec![b'x'; 1_000_000])].concat();
        let body = request_body(request(BINARY, Script::data(body))).await.unwrap();
        assert_eq!(body.data(), message("hi"));
        assert!(body.trailers.is_none());
    }
}

#[tokio::test]
async fn a_compressed_message_is_passed_to_the_service() {
    let body = frame(1, b"gzip");
    let mut request = request(BINARY, Script::data(body.clone()));
    request.headers_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    let (parts, read) = serve(request, hello()).await.0.unwrap();
    assert_eq!(values(&parts.headers, "grpc-encoding"), ["gzip"]);
    assert_eq!(read.unwrap().data(), body);
}
