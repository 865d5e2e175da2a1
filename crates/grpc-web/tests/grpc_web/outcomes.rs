//! The client's side: the status that a call ends with.

use http::StatusCode;
use tonic::{Code, Status};

use crate::support::{
    Script, Step, frame, headers, http_response, message, outcome, receive, trailer_frame, values,
};

const BINARY: &str = "application/grpc-web+proto";

#[tokio::test]
async fn a_status_in_the_headers_is_used_if_the_body_is_empty() {
    for body in [vec![], trailer_frame("")] {
        let mut response = http_response(BINARY, Script::data(body));
        response.headers_mut().extend(headers(&[
            ("grpc-status", "9"),
            ("grpc-message", "error"),
            ("x-tag", "a"),
        ]));
        let (parts, read) = receive(response).await;
        assert_eq!(values(&parts.headers, "x-tag"), ["a"]);
        let read = read.unwrap();
        assert_eq!(
            (read.trailer("grpc-status"), read.trailer("grpc-message")),
            (vec!["9".to_owned()], vec!["error".to_owned()])
        );
    }
}

#[tokio::test]
async fn a_status_in_the_headers_is_ignored_if_the_body_has_messages_or_a_status() {
    for (body, code) in [
        (trailer_frame("grpc-status: 9\r\n"), Code::FailedPrecondition),
        ([message("hello"), trailer_frame("grpc-status: 0\r\n")].concat(), Code::Ok),
        (message("hello"), Code::Unknown),
    ] {
        let mut response = http_response(BINARY, Script::data(body));
        response.headers_mut().extend(headers(&[("grpc-status", "8"), ("grpc-message", "from the headers")]));
        let status = outcome(response).await;
        assert_eq!(status.code(), code);
        assert_ne!(status.message(), "from the headers");
    }
}

#[tokio::test]
async fn a_body_that_ends_early_is_an_error_and_never_ok() {
    let whole = [message("hello"), trailer_frame("grpc-status:0\r\n")].concat();
    for end in 0..whole.len() {
        let code = outcome(http_response(BINARY, Script::data(whole[..end].to_vec()))).await.code();
        let at_boundary = end == 0 || end == message("hello").len();
        assert_eq!(code, if at_boundary { Code::Unknown } else { Code::Internal }, "cut after {end} bytes");
    }
}

#[tokio::test]
async fn a_malformed_response_is_internal() {
    let ok = trailer_frame("grpc-status:0\r\n");
    for (name, body) in [
        ("flags", frame(4, b"x")),
        ("after trailers", [ok.clone(), message("x")].concat()),
        ("trailers twice", [ok.clone(), ok].concat()),
        ("compressed trailers", frame(0x81, b"gzip")),
        ("no colon", trailer_frame("grpc-status 0\r\n")),
        ("no name", trailer_frame(":0\r\n")),
        ("name with a space", trailer_frame("grpc status: 0\r\n")),
        ("control character", trailer_frame("grpc-status: 0\r\nx-tag: a\x01\r\n")),
    ] {
        assert_eq!(outcome(http_response(BINARY, Script::data(body))).await.code(), Code::Internal, "{name}");
    }
}

#[tokio::test]
async fn a_response_without_a_status_has_the_code_of_its_http_status() {
    for (http, code) in [
        (200, Code::Unknown),
        (204, Code::Unknown),
        (302, Code::Unknown),
        (400, Code::Internal),
        (401, Code::Unauthenticated),
        (403, Code::PermissionDenied),
        (404, Code::Unimplemented),
        (409, Code::Unknown),
        (412, Code::Unknown),
        (413, Code::Unknown),
        (415, Code::Unknown),
        (429, Code::Unavailable),
        (431, Code::Unknown),
        (500, Code::Unknown),
        (502, Code::Unavailable),
        (503, Code::Unavailable),
        (504, Code::Unavailable),
        (505, Code::Unknown),
    ] {
        for content_type in ["text/html", BINARY, "application/grpc"] {
            let mut response = http_response(content_type, Script::default());
            *response.status_mut() = StatusCode::from_u16(http).unwrap();
            assert_eq!(outcome(response).await.code(), code, "{http} {content_type}");
        }
    }
}

#[tokio::test]
async fn a_grpc_status_takes_precedence_over_the_http_status() {
    let mut response = http_response(BINARY, Script::data(trailer_frame("grpc-status:5\r\n")));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(outcome(response).await.code(), Code::NotFound);
    let mut response = http_response("application/json", Script::data("{}"));
    *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    response.headers_mut().insert("grpc-status", 5.into());
    assert_eq!(outcome(response).await.code(), Code::NotFound);
}

#[tokio::test]
async fn trailers_without_a_status_are_not_ok() {
    let body = [message("hello"), trailer_frame("grpc-message: error\r\n")].concat();
    assert_eq!(outcome(http_response(BINARY, Script::data(body))).await.code(), Code::Unknown);
}

#[tokio::test]
async fn a_response_in_another_message_format_is_internal() {
    let body = [message("{}"), trailer_frame("grpc-status:0\r\n")].concat();
    assert_eq!(
        outcome(http_response("application/grpc-web+json", Script::data(body))).await.code(),
        Code::Internal
    );
}

#[tokio::test]
async fn a_lost_connection_is_unavailable_unless_the_error_is_a_status() {
    let mut reset = Status::unknown("connection to 10.0.0.7 reset");
    reset.set_source(std::sync::Arc::new(std::io::Error::other("reset")));
    for (failure, code, text) in [
        (reset, Code::Unavailable, "The response was interrupted"),
        (Status::deadline_exceeded("too late"), Code::DeadlineExceeded, "too late"),
    ] {
        let steps = [Step::Data(message("hello").into()), Step::Fail(failure)];
        let status = outcome(http_response(BINARY, Script::new(steps))).await;
        assert_eq!((status.code(), status.message()), (code, text));
    }
}
