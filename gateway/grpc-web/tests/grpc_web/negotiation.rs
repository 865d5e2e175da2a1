//! The server's side: what is gRPC-web, in which form, and what is left alone.

use http::{HeaderMap, Method, Request, StatusCode, Version};

use crate::support::{Script, hello, read, request, response, serve, values};

const BINARY: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text+proto";

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
async fn no_proxy_may_buffer_store_or_change_an_answer() {
    for content_type in [BINARY, TEXT] {
        let answer = serve(request(content_type, Script::default()), hello()).await.1;
        assert_eq!(values(answer.headers(), "x-accel-buffering"), ["no"]);
        assert_eq!(values(answer.headers(), "cache-control"), ["no-store, no-transform"]);
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
