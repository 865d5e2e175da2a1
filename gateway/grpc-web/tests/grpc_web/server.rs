//! The rules of the server's side.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, Version};
use tonic::{Code, Status};

use crate::support::{
    Script, Step, answer_body, frame, grpc_response, headers, hello, message, read, request, request_body,
    response, serve, trailer_frame, values,
};

const BINARY: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text+proto";

#[tokio::test]
async fn a_web_request_becomes_a_grpc_request() {
    let mut asking = request(BINARY, Script::data(message("hi")));
    asking.headers_mut().extend(headers(&[
        ("content-length", "7"),
        ("x-grpc-web", "1"),
        ("accept", "*/*"),
        ("x-trace", "a"),
    ]));
    let (parts, body) = serve(asking, hello()).await.0.unwrap();
    assert_eq!(parts.version, Version::HTTP_2);
    assert_eq!(parts.uri.path(), "/echo.v1.Echo/Say");
    assert_eq!(
        parts.headers,
        headers(&[("content-type", "application/grpc"), ("te", "trailers"), ("x-trace", "a")])
    );
    assert_eq!(body.unwrap().data(), message("hi"));
}

#[tokio::test]
async fn a_grpc_answer_becomes_a_web_answer_without_a_length() {
    let mut answer = hello();
    answer.headers_mut().extend(headers(&[("content-length", "10"), ("x-region", "NRT")]));
    *answer.version_mut() = Version::HTTP_2;
    let answer = serve(request(BINARY, Script::default()), answer).await.1;
    assert_eq!((answer.status(), answer.version()), (StatusCode::OK, Version::HTTP_11));
    assert_eq!(answer.headers(), &headers(&[("content-type", BINARY), ("x-region", "NRT")]));
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
    assert_eq!(answer.headers(), &headers(&[("content-type", BINARY), ("x-request-id", "r1")]));
    let expected = "grpc-status:5\r\ngrpc-message:no such image\r\ngrpc-status-details-bin:CAU\r\n";
    assert_eq!(read(answer.into_body()).await.unwrap().data(), trailer_frame(expected));
}

#[tokio::test]
async fn content_types_are_parsed_as_media_types() {
    for (content_type, answered) in [
        ("application/grpc-web", BINARY),
        ("application/grpc-web+proto", BINARY),
        ("application/grpc-web+proto; charset=utf-8", BINARY),
        ("Application/gRPC-Web+Proto", BINARY),
        ("application/grpc-web+proto, application/grpc-web+proto", BINARY),
        ("application/grpc-web-text", TEXT),
        ("application/grpc-web-text+proto;charset=utf-8", TEXT),
        ("application/grpc-web-text-base64", TEXT),
    ] {
        let answer = serve(request(content_type, Script::default()), hello()).await.1;
        assert_eq!(values(answer.headers(), "content-type"), [answered], "{content_type}");
    }
}

#[tokio::test]
async fn another_message_format_is_415_and_never_reaches_the_service() {
    for content_type in ["application/grpc-web+json", "application/grpc-web-text+thrift"] {
        let (asked, answer) = serve(request(content_type, Script::default()), hello()).await;
        assert!(asked.is_none());
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(values(answer.headers(), "grpc-status"), ["13"]);
        assert_eq!(values(answer.headers(), "accept-post"), [format!("{BINARY}, {TEXT}")]);
    }
}

#[tokio::test]
async fn accept_chooses_the_form_of_the_answer() {
    for (content_type, accept, answered) in [
        (TEXT, None, TEXT),
        (BINARY, None, BINARY),
        (TEXT, Some("*/*"), TEXT),
        (TEXT, Some("application/json"), TEXT),
        (BINARY, Some("application/grpc-web-text"), TEXT),
        (BINARY, Some("application/grpc-web-text, */*"), TEXT),
        (BINARY, Some("Application/gRPC-Web-Text+proto; charset=utf-8"), TEXT),
        (BINARY, Some("application/grpc-web-text;q=0.5, */*"), BINARY),
        (BINARY, Some("application/grpc-web-text;q=0"), BINARY),
        (TEXT, Some("application/grpc-web-text;q=0.2, application/grpc-web;q=0.4"), BINARY),
        (TEXT, Some("application/grpc-web, application/grpc-web-text"), TEXT),
        (TEXT, Some("application/grpc-web-text;q=0, application/*"), BINARY),
    ] {
        let mut asking = request(content_type, Script::default());
        if let Some(accept) = accept {
            asking.headers_mut().insert("accept", accept.parse().unwrap());
        }
        let answer = serve(asking, hello()).await.1;
        assert_eq!(values(answer.headers(), "content-type"), [answered], "{content_type} {accept:?}");
    }
}

#[tokio::test]
async fn a_text_request_is_read_with_padding_in_its_middle() {
    let body = [message("hello"), message("you")].concat();
    let flushes = body.chunks(4).map(|flush| STANDARD.encode(flush)).collect::<String>();
    assert!(flushes.trim_end_matches('=').contains('='));
    let body_read = request_body(request(TEXT, Script::data(flushes))).await.unwrap();
    assert_eq!(body_read.data(), body);
}

#[tokio::test]
async fn broken_requests_are_internal_and_end() {
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
            "The body goes on after its trailers",
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
        let error = request_body(request(content_type, Script::data(body))).await.unwrap_err();
        assert_eq!((error.code(), error.message()), (Code::Internal, expected), "{name}");
    }
}

#[tokio::test]
async fn messages_ahead_of_a_broken_frame_still_arrive() {
    let body = [message("good"), frame(9, b"bad")].concat();
    let (asked, _) = serve(request(BINARY, Script::data(body.clone())), hello()).await;
    assert_eq!(asked.unwrap().1.unwrap_err().code(), Code::Internal);
    let mut body = tonic::body::Body::new(Script::data(body));
    let first = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap().into_data().unwrap();
    assert!(first.starts_with(&message("good")));
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
async fn a_compressed_message_is_the_services_business() {
    let body = frame(1, b"gzip");
    let mut asking = request(BINARY, Script::data(body.clone()));
    asking.headers_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    let (parts, read) = serve(asking, hello()).await.0.unwrap();
    assert_eq!(values(&parts.headers, "grpc-encoding"), ["gzip"]);
    assert_eq!(read.unwrap().data(), body);
}

#[tokio::test]
async fn an_answer_that_is_not_grpc_becomes_the_status_it_stands_for() {
    for (http, code) in [(404, "12"), (401, "16"), (503, "14"), (200, "2")] {
        let mut answer = response("text/html", Script::data("<h1>oops</h1>"));
        *answer.status_mut() = StatusCode::from_u16(http).unwrap();
        let answer = serve(request(BINARY, Script::default()), answer).await.1;
        assert_eq!(answer.status(), StatusCode::OK);
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
    let half = Bytes::from(message("one")).slice(..6);
    let fail = Step::Fail(Status::unavailable("try later"));
    let answer = grpc_response(Script::new([Step::Data(half.clone()), fail]));
    assert_eq!(answer_body(answer).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(answer_body(grpc_response(Script::data(half))).await.unwrap_err().code(), Code::Internal);
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

#[tokio::test]
async fn everything_else_passes_untouched() {
    for (method, content_type) in [
        (Method::POST, "application/grpc"),
        (Method::POST, "application/grpc+proto"),
        (Method::POST, "application/json"),
        (Method::POST, "application/grpc-website"),
        (Method::OPTIONS, BINARY),
        (Method::GET, BINARY),
        (Method::HEAD, TEXT),
        (Method::DELETE, BINARY),
    ] {
        let mut asking = request(content_type, Script::data("not a frame"));
        *asking.method_mut() = method.clone();
        let sent = asking.headers().clone();
        let mut answer = response("text/plain", Script::data("as it is"));
        *answer.status_mut() = StatusCode::NOT_FOUND;
        answer.headers_mut().insert("content-length", 8.into());
        let answered = answer.headers().clone();
        let (asked, answer) = serve(asking, answer).await;
        let (parts, body) = asked.unwrap();
        assert_eq!((parts.version, parts.headers), (Version::HTTP_11, sent), "{method} {content_type}");
        assert_eq!(body.unwrap().data(), b"not a frame");
        assert_eq!((answer.status(), answer.headers()), (StatusCode::NOT_FOUND, &answered));
        assert_eq!(read(answer.into_body()).await.unwrap().data(), b"as it is");
    }
}

#[tokio::test]
async fn a_request_without_a_content_type_passes_untouched() {
    let (asked, _) = serve(Request::post("/").body(Script::default()).unwrap(), hello()).await;
    assert_eq!(asked.unwrap().0.headers, HeaderMap::new());
}
