//! Unary RPCs over HTTP: JSON in, JSON out.

use serde_json::json;

use crate::stack::{anonymous, config, request, start, start_with};

#[tokio::test]
async fn a_get_binds_its_path_and_returns_json_with_an_entity_tag() {
    let stack = start();
    let reply = request("GET /api/images/abc").send(&stack).await;
    assert_eq!(reply.status, 200);
    let image = &reply.json()["image"];
    assert_eq!((&image["id"], &image["etag"]), (&json!("abc"), &json!("v1")));
    assert_eq!(image["size_bytes"], 0, "default values are included");
    assert_eq!(reply.header("etag"), "\"v1\"");
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_current_copy_is_not_sent_again() {
    let stack = start();
    let reply = request("GET /api/images/abc").header("if-none-match", "\"v0\", W/\"v1\"").send(&stack).await;
    assert_eq!((reply.status.as_u16(), reply.body.len(), reply.header("etag")), (304, 0, "\"v1\""));
    assert_eq!(reply.header("x-reticle-bookmark"), "after", "a bookmark does not depend on the body");
    assert_eq!(reply.header("x-internal"), "");
    let reply = request("GET /api/images/abc").header("if-none-match", "\"v0\"").send(&stack).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn head_returns_the_headers_of_get_without_the_body() {
    let stack = start();
    let get = request("GET /api/images/abc").send(&stack).await;
    let head = request("HEAD /api/images/abc").send(&stack).await;
    assert_eq!(head.status, 200);
    assert!(head.body.is_empty());
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    assert_eq!(head.header("etag"), get.header("etag"));
}

#[tokio::test]
async fn the_head_of_a_304_has_no_length() {
    let stack = start();
    let openapi = anonymous("GET /openapi.json").send(&stack).await;
    for (path, tag) in [
        ("/api/images/abc", "\"v1\""),
        ("/api/images/abc/content", "\"image-tag\""),
        ("/openapi.json", openapi.header("etag")),
    ] {
        let head = request(&format!("HEAD {path}")).header("if-none-match", tag).send(&stack).await;
        assert_eq!((head.status.as_u16(), head.header("content-length")), (304, ""), "{path}");
    }
}

#[tokio::test]
async fn a_query_fills_fields_in_either_spelling() {
    let stack = start();
    let reply = request("GET /api/images?pageSize=7&filename=a%20b&deleted=true").send(&stack).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(reply.json(), json!({"images": [], "next_page_token": ""}));
    let list = stack.service.seen().list.clone().unwrap();
    assert_eq!((list.page_size, list.filename.as_str(), list.deleted), (7, "a b", true));
}

#[tokio::test]
async fn a_post_returns_the_status_that_the_contract_declares() {
    let stack = start();
    let body = json!({"image_id": "i", "label": "car", "x": 0, "y": 0.5, "width": 0.25, "height": 0.125});
    let reply = request("POST /api/annotations").json(&body).send(&stack).await;
    assert_eq!((reply.status.as_u16(), reply.header("etag")), (201, "\"v1\""));
    assert_eq!(reply.json()["annotation"]["label"], "car");
}

#[tokio::test]
async fn the_update_mask_of_a_patch_lists_the_fields_of_its_body() {
    let stack = start();
    let reply = request("PATCH /api/images/abc")
        .header("if-match", "\"v7\"")
        .json(&json!({"filename": "", "metadata": {"a": 1}}))
        .send(&stack)
        .await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    let update = stack.service.seen().update.clone().unwrap();
    let image = update.image.unwrap();
    assert_eq!((image.id.as_str(), image.etag.as_str()), ("abc", "v7"));
    let mut paths = update.update_mask.unwrap().paths;
    paths.sort();
    assert_eq!(paths, ["filename", "metadata"]);
}

#[tokio::test]
async fn a_body_that_names_another_resource_than_the_path_is_rejected() {
    let stack = start();
    for (body, field) in [
        (json!({"id": "other", "filename": "a"}), "id must be the same as in the path"),
        (json!({"etag": "v6", "filename": "a"}), "etag must be the same as in the header if-match"),
    ] {
        let reply =
            request("PATCH /api/images/abc").header("if-match", "\"v7\"").json(&body).send(&stack).await;
        let (status, _, message) = reply.error();
        assert_eq!(status, 400, "{body}");
        assert!(message.starts_with(field), "{message}");
    }
    let append = "POST /api/annotations/streams/a:append";
    let other = request(append).json(&json!({"stream_id": "b", "offset": 0, "annotations": []}));
    assert!(other.send(&stack).await.error().2.starts_with("stream_id must be the same as in the path"));
    assert_eq!(stack.service.seen().calls, 0);

    // A client may send a resource back as it was read.
    let same = json!({"id": "abc", "etag": "v7", "filename": "a"});
    let reply = request("PATCH /api/images/abc").header("if-match", "\"v7\"").json(&same).send(&stack).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
}

#[tokio::test]
async fn an_empty_body_is_rejected_where_the_request_needs_one() {
    let stack = start();
    for path in [
        "POST /api/annotations/streams/a:append",
        "POST /api/annotations",
        "POST /api/annotations/bulk",
        "POST /api/images/uploads",
        "PATCH /api/images/abc",
    ] {
        for body in ["", " \r\n"] {
            let (status, _, message) = request(path).body(body).send(&stack).await.error();
            assert_eq!((status, message.as_str()), (400, "This request needs a body: send JSON"), "{path}");
        }
    }
    assert_eq!(stack.service.seen().calls, 0);
    assert_eq!(request("POST /api/images/uploads/u1:complete").send(&stack).await.status, 200);
}

#[tokio::test]
async fn a_body_that_encodes_to_more_than_a_message_is_rejected() {
    let stack = start();
    let numbers = "1,".repeat(2 * 1024 * 1024);
    for (path, body) in [
        ("PATCH /api/images/abc", format!("{{\"metadata\":{{\"a\":[{numbers}1]}}}}")),
        (
            "POST /api/annotations/bulk",
            format!("{{\"annotations\":[{}{{}}]}}", "{},".repeat(4 * 1024 * 1024)),
        ),
    ] {
        let reply = request(path).header("content-type", "application/json").body(body).send(&stack).await;
        let (status, code, message) = reply.error();
        assert_eq!((status, code.as_str()), (413, "INVALID_ARGUMENT"), "{path}");
        assert!(message.contains(&aip::MAX_MESSAGE_BYTES.to_string()), "{message}");
    }
    assert_eq!(stack.service.seen().calls, 0);
}

#[tokio::test]
async fn five_hundred_annotations_are_accepted_and_the_body_limit_is_exact() {
    let one = json!({"image_id": "0".repeat(32), "label": "ä".repeat(100), "width": 0.1, "height": 0.1});
    let body = json!({"annotations": vec![one; 500]});
    let length = body.to_string().len() as u64;
    let exact = start_with(gateway_core::Config { max_body_bytes: length, ..config() });
    let reply = request("POST /api/annotations/bulk").json(&body).send(&exact).await;
    assert_eq!(reply.json(), json!({"inserted": 500, "total": 500, "ids": []}));
    assert_eq!(exact.service.seen().bulk.as_ref().unwrap().annotations.len(), 500);

    let small = start_with(gateway_core::Config { max_body_bytes: length - 1, ..config() });
    let declared = request("POST /api/annotations/bulk").json(&body);
    let streamed = request("POST /api/annotations/bulk")
        .header("content-type", "application/json")
        .streamed(tonic::body::Body::new(http_body_util::Full::from(body.to_string())));
    for request in [declared, streamed] {
        let (status, code, error) = request.send(&small).await.error();
        assert_eq!((status, code.as_str()), (413, "INVALID_ARGUMENT"));
        assert_eq!(error, format!("The body is larger than {} bytes", length - 1));
    }
    assert_eq!(small.service.seen().calls, 0);
}

#[tokio::test]
async fn only_a_body_of_json_is_accepted() {
    let stack = start();
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let reply =
            request("POST /api/annotations").header("content-type", media_type).body("{}").send(&stack).await;
        assert_eq!(reply.error().0, 415, "{media_type}");
    }
    let zipped =
        request("POST /api/annotations").header("content-encoding", "gzip").body("{}").send(&stack).await;
    assert_eq!(zipped.error().0, 415);
    for media_type in ["application/json", "Application/JSON; charset=utf-8"] {
        let reply =
            request("POST /api/annotations").header("content-type", media_type).body("{}").send(&stack).await;
        assert_eq!(reply.status, 201);
    }
    assert_eq!(request("POST /api/annotations").body("{}").send(&stack).await.status, 201, "undeclared");
}

#[tokio::test]
async fn an_unexpected_body_is_rejected() {
    let stack = start();
    let reply = request("DELETE /api/images/abc").json(&json!({"etag": "v1"})).send(&stack).await;
    assert_eq!(reply.error().2, "This request must not have a body");
    assert_eq!(stack.service.seen().calls, 0);
}

#[tokio::test]
async fn only_listed_headers_pass_and_a_bookmark_passes_both_ways() {
    let stack = start();
    let reply = request("GET /api/images/abc")
        .header("x-reticle-bookmark", "before")
        .header("x-request-id", "r-1")
        .header("cookie", "a=b")
        .header("x-internal", "forged")
        .header("grpc-metadata-x", "forged")
        .send(&stack)
        .await;
    assert_eq!(reply.header("x-reticle-bookmark"), "after");
    assert_eq!(reply.header("x-request-id"), "r-1");
    assert_eq!(reply.header("x-internal"), "");
    let seen = stack.service.seen().metadata.clone();
    let mut names: Vec<_> = seen.into_headers().keys().map(ToString::to_string).collect();
    names.sort();
    let expected = [
        "authorization",
        "content-type",
        "grpc-timeout",
        "te",
        "traceparent",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-request-id",
        "x-reticle-bookmark",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn services_receive_the_host_and_the_scheme_of_the_client() {
    let stack = start();
    let metadata = |name: &str| stack.service.seen().metadata.get(name).unwrap().to_str().unwrap().to_owned();
    request("GET /api/images/abc").header("x-forwarded-host", "evil.test").send(&stack).await;
    assert_eq!(
        (metadata("x-forwarded-host"), metadata("x-forwarded-proto")),
        ("api.example.com".into(), "http".into())
    );
    request("GET /api/images/abc").header("x-forwarded-proto", "https").send(&stack).await;
    assert_eq!(metadata("x-forwarded-proto"), "https");
    assert_eq!(metadata("x-forwarded-host"), "api.example.com");
    request("GET https://other.example.com/api/images/abc").send(&stack).await;
    assert_eq!(
        (metadata("x-forwarded-host"), metadata("x-forwarded-proto")),
        ("other.example.com".into(), "https".into())
    );
}

#[tokio::test]
async fn a_trace_is_continued_with_an_own_span_or_started() {
    let stack = start();
    let trace = |stack: &crate::stack::Stack| {
        stack.service.seen().metadata.get("traceparent").unwrap().to_str().unwrap().to_owned()
    };
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request("GET /api/images/abc")
        .header("traceparent", parent)
        .header("tracestate", "a=b")
        .send(&stack)
        .await;
    assert_eq!(trace(&stack), "00-0af7651916cd43dd8448eb211c80319c-0707070707070707-01");
    assert_eq!(stack.service.seen().metadata.get("tracestate").unwrap(), "a=b");
    request("GET /api/images/abc")
        .header("traceparent", "nonsense")
        .header("tracestate", "a=b")
        .send(&stack)
        .await;
    assert_eq!(trace(&stack), "00-07070707070707070707070707070707-0707070707070707-00");
    assert!(stack.service.seen().metadata.get("tracestate").is_none());
}

#[tokio::test]
async fn an_id_keeps_its_escapes_and_its_colons() {
    let stack = start();
    let reply = request("GET /api/images/a%2Fb%3Ac:d").send(&stack).await;
    assert_eq!(reply.json()["image"]["id"], "a/b:c:d");
}

#[tokio::test]
async fn a_request_id_that_could_forge_a_log_line_is_replaced() {
    let stack = start();
    for forged in ["a b", &"a".repeat(129), "a\"b"] {
        let reply = anonymous("GET /health").header("x-request-id", forged).send(&stack).await;
        assert_eq!(reply.header("x-request-id").len(), 32, "{forged}");
    }
    let longest = "a".repeat(128);
    let reply = anonymous("GET /health").header("x-request-id", &longest).send(&stack).await;
    assert_eq!(reply.header("x-request-id"), longest);
}

#[tokio::test]
async fn an_invalid_host_is_not_forwarded() {
    let stack = start();
    for forged in ["user@evil.test", "a/b", "a b", ""] {
        let request = request("GET /api/images/abc").replace_header("host", forged);
        assert_eq!(request.send(&stack).await.status, 200);
        assert!(stack.service.seen().metadata.get("x-forwarded-host").is_none(), "{forged}");
    }
}
