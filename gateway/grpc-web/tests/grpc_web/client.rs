//! The rules of the client's side.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use grpc_web::GrpcWebClient;
use http::{Request, StatusCode, Version};
use tonic::{Code, Status, body::Body};
use tower::{ServiceExt as _, service_fn};

use crate::support::{
    Script, Step, frame, headers, message, outcome, receive, response, trailer_frame, values,
};

const BINARY: &str = "application/grpc-web+proto";

#[tokio::test]
async fn a_grpc_request_becomes_a_web_request() {
    let sent = Arc::new(Mutex::new(None));
    let service = service_fn({
        let sent = Arc::clone(&sent);
        move |request: Request<Body>| {
            sent.lock().unwrap().replace(request.into_parts().0);
            std::future::ready(Ok::<_, Infallible>(response(BINARY, Script::default())))
        }
    });
    let mut request =
        Request::post("/echo.v1.Echo/Say").version(Version::HTTP_2).body(Body::empty()).unwrap();
    request.headers_mut().extend(headers(&[
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("grpc-timeout", "5S"),
        ("authorization", "Bearer t"),
    ]));
    GrpcWebClient::new(service).oneshot(request).await.unwrap();
    let sent = sent.lock().unwrap().take().unwrap();
    assert_eq!(sent.version, Version::HTTP_11);
    let expected = headers(&[
        ("content-type", BINARY),
        ("accept", BINARY),
        ("x-grpc-web", "1"),
        ("grpc-timeout", "5S"),
        ("authorization", "Bearer t"),
    ]);
    assert_eq!(sent.headers, expected);
}

#[tokio::test]
async fn trailers_in_the_body_become_trailers() {
    let body = [message("hello"), trailer_frame("grpc-status: 0\r\nx-tag: a\r\n")].concat();
    let mut answer = response(BINARY, Script::data(body.clone()));
    answer.headers_mut().extend(headers(&[("content-length", "40"), ("x-region", "NRT")]));
    let (parts, read) = receive(answer).await;
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
        let (_, read) = receive(response(BINARY, Script::data(trailer_frame(block)))).await;
        let read = read.unwrap();
        assert_eq!(read.trailer("grpc-status"), ["9"], "{block:?}");
        assert_eq!(read.trailer("grpc-message"), ["a: b"], "{block:?}");
        assert_eq!(read.trailer("x-tag"), ["a", "b"], "{block:?}");
    }
}

#[tokio::test]
async fn a_message_and_trailers_in_one_chunk_both_arrive() {
    let body = [message("one"), message("two"), trailer_frame("grpc-status:0\r\n")].concat();
    let read = receive(response(BINARY, Script::data(body))).await.1.unwrap();
    assert_eq!(read.data(), [message("one"), message("two")].concat());
    assert_eq!(read.trailer("grpc-status"), ["0"]);
}

#[tokio::test]
async fn an_empty_message_is_a_message() {
    let body = [message(""), trailer_frame("grpc-status:0\r\n")].concat();
    let read = receive(response(BINARY, Script::data(body))).await.1.unwrap();
    assert_eq!(read.data(), message(""));
}

#[tokio::test]
async fn a_status_in_the_headers_is_the_outcome_of_an_empty_body() {
    for body in [vec![], trailer_frame("")] {
        let mut answer = response(BINARY, Script::data(body));
        answer.headers_mut().extend(headers(&[
            ("grpc-status", "9"),
            ("grpc-message", "error"),
            ("x-tag", "a"),
        ]));
        let (parts, read) = receive(answer).await;
        assert_eq!(values(&parts.headers, "x-tag"), ["a"]);
        let read = read.unwrap();
        assert_eq!(
            (read.trailer("grpc-status"), read.trailer("grpc-message")),
            (vec!["9".to_owned()], vec!["error".to_owned()])
        );
    }
}

#[tokio::test]
async fn a_status_in_the_headers_is_ignored_where_the_body_has_its_own() {
    for (body, code) in [
        (trailer_frame("grpc-status: 9\r\n"), Code::FailedPrecondition),
        ([message("hello"), trailer_frame("grpc-status: 0\r\n")].concat(), Code::Ok),
        (message("hello"), Code::Unknown),
    ] {
        let mut answer = response(BINARY, Script::data(body));
        answer.headers_mut().extend(headers(&[("grpc-status", "8"), ("grpc-message", "from the headers")]));
        let status = outcome(answer).await;
        assert_eq!(status.code(), code);
        assert_ne!(status.message(), "from the headers");
    }
}

#[tokio::test]
async fn a_body_that_stops_early_is_an_error_and_never_ok() {
    let whole = [message("hello"), trailer_frame("grpc-status:0\r\n")].concat();
    for end in 0..whole.len() {
        let code = outcome(response(BINARY, Script::data(whole[..end].to_vec()))).await.code();
        let at_boundary = end == 0 || end == message("hello").len();
        assert_eq!(code, if at_boundary { Code::Unknown } else { Code::Internal }, "cut after {end} bytes");
    }
}

#[tokio::test]
async fn a_broken_answer_is_internal() {
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
        assert_eq!(outcome(response(BINARY, Script::data(body))).await.code(), Code::Internal, "{name}");
    }
}

#[tokio::test]
async fn trailers_are_limited_to_64_kib() {
    let block = |bytes: usize| {
        let start = "grpc-status:0\r\nx-fill:";
        format!("{start}{}\r\n", "x".repeat(bytes - start.len() - 2))
    };
    let at_limit = trailer_frame(&block(64 * 1024));
    assert_eq!(outcome(response(BINARY, Script::data(at_limit))).await.code(), Code::Ok);
    let above = trailer_frame(&block(64 * 1024 + 1));
    assert_eq!(outcome(response(BINARY, Script::data(above))).await.code(), Code::ResourceExhausted);
    let claimed = vec![0x80, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(outcome(response(BINARY, Script::data(claimed))).await.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn an_answer_without_a_status_has_the_code_of_its_http_status() {
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
            let mut answer = response(content_type, Script::default());
            *answer.status_mut() = StatusCode::from_u16(http).unwrap();
            assert_eq!(outcome(answer).await.code(), code, "{http} {content_type}");
        }
    }
}

#[tokio::test]
async fn a_status_beats_the_http_status() {
    let mut answer = response(BINARY, Script::data(trailer_frame("grpc-status:5\r\n")));
    *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(outcome(answer).await.code(), Code::NotFound);
    let mut answer = response("application/json", Script::default());
    *answer.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    answer.headers_mut().insert("grpc-status", 13.into());
    assert_eq!(outcome(answer).await.code(), Code::Internal);
}

#[tokio::test]
async fn trailers_without_a_status_are_not_ok() {
    let body = [message("hello"), trailer_frame("grpc-message: error\r\n")].concat();
    assert_eq!(outcome(response(BINARY, Script::data(body))).await.code(), Code::Unknown);
}

#[tokio::test]
async fn an_answer_in_another_message_format_is_internal() {
    let body = [message("{}"), trailer_frame("grpc-status:0\r\n")].concat();
    assert_eq!(
        outcome(response("application/grpc-web+json", Script::data(body))).await.code(),
        Code::Internal
    );
}

#[tokio::test]
async fn content_types_with_parameters_and_text_answers_are_read() {
    let body = [message("hello"), trailer_frame("grpc-status:0\r\n")].concat();
    let text = body.chunks(5).map(|flush| STANDARD.encode(flush)).collect::<String>();
    for (content_type, body) in [
        ("application/grpc-web", body.clone()),
        ("Application/grpc-web+proto; charset=utf-8", body),
        ("application/grpc-web-text+proto; charset=utf-8", text.into_bytes()),
    ] {
        let read = receive(response(content_type, Script::data(body))).await.1.unwrap();
        assert_eq!(read.data(), message("hello"), "{content_type}");
        assert_eq!(read.trailer("grpc-status"), ["0"]);
    }
}

#[tokio::test]
async fn no_message_is_lost_and_no_details_panic() {
    let mut block = b"grpc-status: 3\r\ngrpc-message: ".to_vec();
    block.extend_from_slice(b"50%25 \xff caf%C3%A9 %zz %ff\r\n");
    block.extend_from_slice(b"grpc-status-details-bin: not base64!\r\n");
    let status = outcome(response(BINARY, Script::data(frame(0x80, &block)))).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), "50% \u{fffd} café %zz \u{fffd}");
    let mut answer = response(BINARY, Script::default());
    answer.headers_mut().extend(headers(&[("grpc-status", "3"), ("grpc-status-details-bin", "not base64!")]));
    assert_eq!(outcome(answer).await.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn binary_trailers_are_read_padded_unpadded_joined_and_raw() {
    for (value, expected) in [
        ("aGk=", vec!["aGk="]),
        ("aGk", vec!["aGk"]),
        ("aGk=, eW8", vec!["aGk=", "eW8"]),
        ("h\u{2}i!", vec!["aAJpIQ"]),
    ] {
        let block = format!("grpc-status: 0\r\nx-data-bin: {value}\r\n");
        let read = receive(response(BINARY, Script::data(trailer_frame(&block)))).await.1.unwrap();
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
    assert_eq!(outcome(response(BINARY, Script::new(steps))).await.code(), Code::Ok);
}

#[tokio::test]
async fn a_connection_that_breaks_is_passed_on() {
    let steps = [Step::Data(message("hello").into()), Step::Fail(Status::unavailable("reset"))];
    assert_eq!(outcome(response(BINARY, Script::new(steps))).await.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_call_that_could_not_be_made_is_unavailable() {
    let refused = service_fn(|_: Request<Body>| {
        std::future::ready(Err::<http::Response<Body>, _>(std::io::Error::other("connection refused")))
    });
    let status = GrpcWebClient::new(refused).oneshot(Request::new(Body::empty())).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "The server could not be reached"));
    let own = service_fn(|_: Request<Body>| {
        std::future::ready(Err::<http::Response<Body>, _>(Status::deadline_exceeded("too late")))
    });
    let status = GrpcWebClient::new(own).oneshot(Request::new(Body::empty())).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}
