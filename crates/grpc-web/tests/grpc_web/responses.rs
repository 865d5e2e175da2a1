//! The server's side: the response that a browser receives.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version};
use tonic::{Code, Status};

use crate::support::{
    Script, Step, frame, grpc_response, headers, hello, http_response, message, read, request, response_body,
    serve, trailer_frame,
};

const BINARY: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text+proto";

/// The headers of every response, and `further` ones.
fn response_headers(further: &[(&str, &str)]) -> HeaderMap {
    let every =
        [("content-type", BINARY), ("cache-control", "no-store, no-transform"), ("x-accel-buffering", "no")];
    headers(&[&every, further].concat())
}

#[tokio::test]
async fn a_grpc_response_becomes_a_web_response_without_a_length() {
    let mut response = hello();
    response.headers_mut().extend(headers(&[("content-length", "10"), ("x-region", "NRT")]));
    *response.version_mut() = Version::HTTP_2;
    let response = serve(request(BINARY, Script::default()), response).await.1;
    assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_11));
    assert_eq!(response.headers(), &response_headers(&[("x-region", "NRT")]));
    assert_eq!(http_body::Body::size_hint(response.body()).exact(), None);
}

#[tokio::test]
async fn a_small_message_and_its_trailers_are_one_write() {
    let body = response_body(hello()).await.unwrap();
    assert_eq!(body.writes, [[message("hello"), trailer_frame("grpc-status:0\r\n")].concat()]);
}

#[tokio::test]
async fn a_large_message_is_not_copied() {
    let large = Bytes::from(frame(0, &vec![7; 100_000]));
    let response = grpc_response(Script::new([
        Step::Data(message("first").into()),
        Step::Data(large.clone()),
        Step::Trailers(headers(&[("grpc-status", "0")])),
    ]));
    let body = response_body(response).await.unwrap();
    assert_eq!(body.writes.len(), 3);
    assert_eq!(body.writes[1].as_ptr(), large.as_ptr());
    assert_eq!(body.data(), [message("first"), large.to_vec(), trailer_frame("grpc-status:0\r\n")].concat());
}

#[tokio::test]
async fn a_message_does_not_wait_for_the_next_one() {
    let response = grpc_response(Script::new([
        Step::Data(message("one").into()),
        Step::Pause,
        Step::Data(message("two").into()),
        Step::Pause,
        Step::Trailers(headers(&[("grpc-status", "0")])),
    ]));
    let body = response_body(response).await.unwrap();
    assert_eq!(body.writes, [message("one"), message("two"), trailer_frame("grpc-status:0\r\n")]);
}

#[tokio::test]
async fn text_is_padded_at_each_flush_and_has_no_line_feeds() {
    let response = grpc_response(Script::new([
        Step::Data(message("one!").into()),
        Step::Pause,
        Step::Data(message(&"long".repeat(10_000)).into()),
        Step::Trailers(headers(&[("grpc-status", "0")])),
    ]));
    let body = read(serve(request(TEXT, Script::default()), response).await.1.into_body()).await.unwrap();
    assert_eq!(body.writes[0], STANDARD.encode(message("one!")));
    assert!(!body.data().contains(&b'\n'));
    let whole = [message(&"long".repeat(10_000)), trailer_frame("grpc-status:0\r\n")].concat();
    assert_eq!(
        body.writes[1..].concat(),
        STANDARD.encode(whole).into_bytes(),
        "no padding if more data follows at once"
    );
}

#[tokio::test]
async fn trailer_names_are_in_lower_case_and_duplicates_are_kept() {
    let trailers =
        headers(&[("Grpc-Status", "9"), ("X-Tag", "a"), ("x-tag", "b"), ("grpc-message", "no: never")]);
    let body = response_body(grpc_response(Script::new([Step::Trailers(trailers)]))).await.unwrap();
    let expected = "grpc-status:9\r\nx-tag:a\r\nx-tag:b\r\ngrpc-message:no: never\r\n";
    assert_eq!(body.data(), trailer_frame(expected));
}

#[tokio::test]
async fn the_status_of_a_trailers_only_response_is_in_the_body_where_cors_cannot_hide_it() {
    let mut response = grpc_response(Script::default());
    response.headers_mut().extend(headers(&[
        ("grpc-status", "5"),
        ("grpc-message", "no such image"),
        ("grpc-status-details-bin", "CAU"),
        ("x-request-id", "r1"),
    ]));
    let response = serve(request(BINARY, Script::default()), response).await.1;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers(), &response_headers(&[("x-request-id", "r1")]));
    let expected = "grpc-status:5\r\ngrpc-message:no such image\r\ngrpc-status-details-bin:CAU\r\n";
    assert_eq!(read(response.into_body()).await.unwrap().data(), trailer_frame(expected));
}

#[tokio::test]
async fn the_http_status_of_a_response_that_is_not_grpc_becomes_a_grpc_status() {
    for (http, code) in [(404, "12"), (401, "16"), (503, "14"), (200, "2")] {
        let mut response = http_response("text/html", Script::data("<h1>oops</h1>"));
        response.headers_mut().insert("content-encoding", "br".parse().unwrap());
        *response.status_mut() = StatusCode::from_u16(http).unwrap();
        let response = serve(request(BINARY, Script::default()), response).await.1;
        assert_eq!((response.status(), response.headers()), (StatusCode::OK, &response_headers(&[])));
        let block =
            format!("grpc-status:{code}\r\ngrpc-message:The response (HTTP {http}) has no gRPC status\r\n");
        assert_eq!(read(response.into_body()).await.unwrap().data(), trailer_frame(&block));
    }
}

#[tokio::test]
async fn a_response_without_trailers_is_not_ok() {
    let body = response_body(grpc_response(Script::data(message("hello")))).await.unwrap();
    let block = "grpc-status:2\r\ngrpc-message:The response (HTTP 200) has no gRPC status\r\n";
    assert_eq!(body.data(), [message("hello"), trailer_frame(block)].concat());
}

#[tokio::test]
async fn a_service_that_fails_between_messages_ends_with_its_status() {
    let fail = Step::Fail(Status::unavailable("try later"));
    let response = grpc_response(Script::new([Step::Data(message("one").into()), fail]));
    let body = response_body(response).await.unwrap();
    let block = "grpc-status:14\r\ngrpc-message:try%20later\r\n";
    assert_eq!(body.data(), [message("one"), trailer_frame(block)].concat());
}

#[tokio::test]
async fn a_service_that_fails_inside_a_message_ends_the_body_with_an_error() {
    let half = Step::Data(Bytes::from(message("one")).slice(..6));
    let trailers = Step::Trailers(headers(&[("grpc-status", "0")]));
    let whole = Step::Data(message("whole").into());
    for (ending, code) in [
        (vec![half.clone(), Step::Fail(Status::unavailable("try later"))], Code::Unavailable),
        (vec![half.clone(), trailers], Code::Internal),
        (vec![half], Code::Internal),
    ] {
        let steps = [whole.clone()].into_iter().chain(ending);
        let broken = response_body(grpc_response(Script::new(steps))).await.unwrap_err();
        assert_eq!(broken.status.code(), code);
        assert_eq!(broken.before.data(), [message("whole"), message("one")[..6].to_vec()].concat());
    }
}

#[tokio::test]
async fn the_details_of_a_transport_error_are_not_sent() {
    let mut broken = Status::unknown("connection to 10.0.0.7 reset");
    broken.set_source(std::sync::Arc::new(std::io::Error::other("reset")));
    let body = response_body(grpc_response(Script::new([Step::Fail(broken)]))).await.unwrap();
    assert_eq!(
        body.data(),
        trailer_frame("grpc-status:2\r\ngrpc-message:The%20response%20was%20interrupted\r\n")
    );
}

#[tokio::test]
async fn a_trailer_frame_from_a_native_service_is_rejected() {
    let body = response_body(grpc_response(Script::data(trailer_frame("grpc-status:0\r\n")))).await.unwrap();
    assert!(body.data().windows(14).any(|window| window == b"grpc-status:13"));
}
