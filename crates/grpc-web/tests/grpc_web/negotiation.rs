//! The server's side: which requests are gRPC-web, in which form, and which pass unchanged.

use http::{HeaderMap, Method, Request, StatusCode, Version};

use crate::support::{Script, hello, http_response, read, request, serve, values};

const BINARY: &str = "application/grpc-web+proto";
const TEXT: &str = "application/grpc-web-text+proto";

#[tokio::test]
async fn content_types_are_parsed_as_media_types() {
    for (content_type, expected) in [
        ("application/grpc-web", BINARY),
        ("application/grpc-web+proto", BINARY),
        ("application/grpc-web+proto; charset=utf-8", BINARY),
        ("Application/gRPC-Web+Proto", BINARY),
        ("application/grpc-web+proto, application/grpc-web+proto", BINARY),
        ("application/grpc-web-text", TEXT),
        ("application/grpc-web-text+proto;charset=utf-8", TEXT),
        ("application/grpc-web-text-base64", TEXT),
    ] {
        let response = serve(request(content_type, Script::default()), hello()).await.1;
        assert_eq!(values(response.headers(), "content-type"), [expected], "{content_type}");
    }
}

#[tokio::test]
async fn no_proxy_may_buffer_store_or_change_a_response() {
    for content_type in [BINARY, TEXT] {
        let response = serve(request(content_type, Script::default()), hello()).await.1;
        assert_eq!(values(response.headers(), "x-accel-buffering"), ["no"]);
        assert_eq!(values(response.headers(), "cache-control"), ["no-store, no-transform"]);
    }
}

#[tokio::test]
async fn another_message_format_is_415_and_never_reaches_the_service() {
    for content_type in ["application/grpc-web+json", "application/grpc-web-text+thrift"] {
        let (received, response) = serve(request(content_type, Script::default()), hello()).await;
        assert!(received.is_none());
        assert_eq!(response.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(values(response.headers(), "grpc-status"), ["13"]);
        assert_eq!(values(response.headers(), "accept-post"), [format!("{BINARY}, {TEXT}")]);
    }
}

#[tokio::test]
async fn accept_selects_the_form_of_the_response() {
    for (content_type, accept, expected) in [
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
        let mut request = request(content_type, Script::default());
        if let Some(accept) = accept {
            request.headers_mut().insert("accept", accept.parse().unwrap());
        }
        let response = serve(request, hello()).await.1;
        assert_eq!(values(response.headers(), "content-type"), [expected], "{content_type} {accept:?}");
    }
}

#[tokio::test]
async fn all_other_requests_pass_unchanged() {
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
        let mut request = request(content_type, Script::data("not a frame"));
        *request.method_mut() = method.clone();
        let sent = request.headers().clone();
        let mut response = http_response("text/plain", Script::data("as it is"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        response.headers_mut().insert("content-length", 8.into());
        let expected = response.headers().clone();
        let (received, response) = serve(request, response).await;
        let (parts, body) = received.unwrap();
        assert_eq!((parts.version, parts.headers), (Version::HTTP_11, sent), "{method} {content_type}");
        assert_eq!(body.unwrap().data(), b"not a frame");
        assert_eq!((response.status(), response.headers()), (StatusCode::NOT_FOUND, &expected));
        assert_eq!(read(response.into_body()).await.unwrap().data(), b"as it is");
    }
}

#[tokio::test]
async fn a_request_without_a_content_type_passes_unchanged() {
    let (received, _) = serve(Request::post("/").body(Script::default()).unwrap(), hello()).await;
    assert_eq!(received.unwrap().0.headers, HeaderMap::new());
}
