//! The server's side: what a browser sees of the service's answer.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Version};
use tonic::{Code, Status};

use crate::support::{
    Script, Step, answer_body, frame, grpc_response, headers, hello, message, read, request, response, serve,
    trailer_frame,
};

const BINARY: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text+proto";

/// The headers of an answer: those of every answer, and `further` ones.
fn answer_headers(further: &[(&str, &str)]) -> HeaderMap {
    let every =
        [("content-type", BINARY), ("cache-control", "no-store, no-transform"), ("x-accel-buffering", "no")];
    headers(&[&every, further].concat())
}

#[tokio::test]
async fn a_grpc_answer_becomes_a_web_answer_without_a_length() {
    let mut answer = hello();
    answer.headers_mut().extend(headers(&[("content-length", "10"), ("x-region", "NRT")]));
    *answer.version_mut() = Version::HTTP_2;
    let answer = serve(request(BINARY, Script::default()), answer).await.1;
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_11));
    assert_eq!(answer.headers(), &answer_headers(&[("x-region", "NRT")]));
    assert_eq!(http_body::Body::size_hint(answer.body()).exact(), None);
}

#[tokio::test]
async fn a_small_reply_and_its_trailers_are_one_write() {
    let body = answer_body(hello()).await.unwrap();
    assert_eq!(body.writes, [[message("hello"), trailer_frame("grpc-status:0\r\n")].concat()]);
}

#[tokio::test]
async fn a_large_reply_is_not_copied() {
    let large = Bytes::from(frame(0, &vec![7; 100_000]));
    let answer = grpc_response(Script::new([
        Step::Data(message("first").into()),
        Step::Data(large.clone()),
        Step::Trailers(headers(&[("grpc-status", "0")])),
    ]));
    let body = answer_body(answer).await.unwrap();
    assert_eq!(body.writes.len(), 3);
    assert_eq!(body.writes[1].as_ptr(), large.as_ptr());
    assert_eq!(body.data(), [message("first"), large.to_vec(), trailer_frame("grpc-status:0\r\n")].concat());
}

#[tokio::test]
async fn a_message_does_not_wait_for_the_next_one() {
    let answer = grpc_response(Script::new([
        Step::Data(message("one").into()),
        Step::Pause,
        Step::Data(message("two").into()),
        Step::Pause,
        Step::Trailers(headers(&[("grpc-status", "0")])),
    ]));
    let body = answer_body(answer).await.unwrap();
    assert_eq!(body.writes, [message("one"), message("two"), trailer_frame("grpc-status:0\r\n")]);
}

#[tokio::test]
async fn text_is_padded_at_each_flush_and_has_no_line_feeds() {
    let answer = grpc_response(Script::new([
        Step::Data(message("one!").into()),
        Step::Pause,
        Step::Data(message(&"long".repeat(10_000)).into()),
        Step::Trailers(headers(&[("grpc-status", "0")])),
    ]));
    let body = read(serve(request(TEXT, Script::default()), answer).await.1.into_body()).await.unwrap();
    assert_eq!(body.writes[0], STANDARD.encode(message("one!")));
    assert!(!body.data().contains(&b'\n'));
    let whole = [message(&"long".repeat(10_000)), trailer_frame("grpc-status:0\r\n")].concat();
    assert_eq!(
        body.writes[1..].concat(),
        STANDARD.encode(whole).into_bytes(),
        "no padding where nobody waits"
    );
}

#[tokio::test]
async fn trailer_names_are_lower_case_and_duplicates_survive() {
    let trailers =
        headers(&[("Grpc-Status", "9"), ("X-Tag", "a"), ("x-tag", "b"), ("grpc-message", "no: never")]);
    let body = answer_body(grpc_response(Script::new([Step::Trailers(trailers)]))).await.unwrap();
    let expected = "grpc-status:9\r\nx-tag:a\r\nx-tag:b\r\ngrpc-message:no: never\r\n";
    assert_eq!(body.data(), trailer_frame(expected));
}

#[tokio::test]
async fn a_trailers_only_answer_has_its_status_in_the_body_where_cors_cannot_hide_it() {
    let mut answer = grpc_response(Script::default());
    answer.headers_mut().extend(headers(&[
        ("grpc-status", "5"),
        ("grpc-message", "no such image"),
        ("grpc-status-details-bin", "CAU"),
        ("x-request-id", "r1"),
    ]));
    let answer = serve(request(BINARY, Script::default()), answer).await.1;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers(), &answer_headers(&[("x-request-id", "r1")]));
    let expected = "grpc-status:5\r\ngrpc-message:no such image\r\ngrpc-status-details-bin:CAU\r\n";
    assert_eq!(read(answer.into_body()).await.unwrap().data(), trailer_frame(expected));
}

#[tokio::test]
async fn an_answer_that_is_not_grpc_becomes_the_status_it_stands_for() {
    for (http, code) in [(404, "12"), (401, "16"), (503, "14"), (200, "2")] {
        let mut answer = response("text/html", Script::data("<h1>oops</h1>"));
        answer.headers_mut().insert("content-encoding", "br".parse().unwrap());
        *answer.status_mut() = StatusCode::from_u16(http).unwrap();
        let answer = serve(request(BINARY, Script::default()), answer).await.1;
        assert_eq!((answer.status(), answer.headers()), (StatusCode::OK, &answer_headers(&[])));
        let block =
            format!("grpc-status:{code}\r\ngrpc-message:The answer (HTTP {http}) has no gRPC status\r\n");
        assert_eq!(read(answer.into_body()).await.unwrap().data(), trailer_frame(&block));
    }
}

#[tokio::test]
async fn an_answer_without_trailers_is_not_ok() {
    let body = answer_body(grpc_response(Script::data(message("hello")))).await.unwrap();
    let block = "grpc-status:2\r\ngrpc-message:The answer (HTTP 200) has no gRPC status\r\n";
    assert_eq!(body.data(), [message("hello"), trailer_frame(block)].concat());
}

#[tokio::test]
async fn a_service_that_fails_between_messages_ends_with_its_status() {
    let fail = Step::Fail(Status::unavailable("try later"));
    let answer = grpc_response(Script::new([Step::Data(message("one").into()), fail]));
    let body = answer_body(answer).await.unwrap();
    let block = "grpc-status:14\r\ngrpc-message:try%20later\r\n";
    assert_eq!(body.data(), [message("one"), trailer_frame(block)].concat());
}

#[tokio::test]
async fn a_service_that_fails_inside_a_message_breaks_the_answer_off() {
    let half = Step::Data(Bytes::from(message("one")).slice(..6));
    let trailers = Step::Trailers(headers(&[("grpc-status", "0")]));
    let whole = Step::Data(message("whole").into());
    for (ending, code) in [
        (vec![half.clone(), Step::Fail(Status::unavailable("try later"))], Code::Unavailable),
        (vec![half.clone(), trailers], Code::Internal),
        (vec![half], Code::Internal),
    ] {
        let steps = [whole.clone()].into_iter().chain(ending);
        let broken = answer_body(grpc_response(Script::new(steps))).await.unwrap_err();
        assert_eq!(broken.status.code(), code);
        assert_eq!(broken.before.data(), [message("whole"), message("one")[..6].to_vec()].concat());
    }
}

#[tokio::test]
async fn a_transports_own_words_stay_inside() {
    let mut broken = Status::unknown("connection to 10.0.0.7 reset");
    broken.set_source(std::sync::Arc::new(std::io::Error::other("reset")));
    let body = answer_body(grpc_response(Script::new([Step::Fail(broken)]))).await.unwrap();
    assert_eq!(body.data(), trailer_frame("grpc-status:2\r\ngrpc-message:The%20answer%20broke%20off\r\n"));
}

#[tokio::test]
async fn a_web_frame_from_a_native_service_is_refused() {
    let body = answer_body(grpc_response(Script::data(trailer_frame("grpc-status:0\r\n")))).await.unwrap();
    assert!(body.data().windows(14).any(|window| window == b"grpc-status:13"));
}
