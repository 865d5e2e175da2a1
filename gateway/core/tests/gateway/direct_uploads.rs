//! Files that come in without a token and without a form, at a URL that was made for one of them.

use serde_json::json;

use crate::stack::{anonymous, request, start};

const PUT: &str = "PUT /api/images/uploads/u1/content?expires_at=7&signature=s";

#[tokio::test]
async fn path_query_headers_and_body_become_one_stream() {
    let stack = start();
    let answer = anonymous(PUT).header("content-type", "image/png").body("PNGDATA").send(&stack).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({})), "{:?}", answer.body);
    let (info, bytes) = stack.service.seen().put.clone().unwrap();
    assert_eq!((info.upload_id.as_str(), info.expires_at, info.signature.as_str()), ("u1", 7, "s"));
    assert_eq!((info.content_type.as_str(), info.size_bytes), ("image/png", Some(7)));
    assert_eq!(bytes, b"PNGDATA");
}

#[tokio::test]
async fn the_service_decides_about_a_missing_token_and_its_errors_are_told() {
    let stack = start();
    let put = PUT.replace("u1", "missing");
    let answer = anonymous(&put).header("content-type", "image/png").body("x").send(&stack).await;
    assert_eq!(answer.error().0, 404);
}

#[tokio::test]
async fn what_is_no_image_is_refused_with_all_that_is_accepted() {
    let stack = start();
    for media_type in ["multipart/form-data; boundary=x", "text/plain", "application/octet-stream"] {
        let answer = anonymous(PUT).header("content-type", media_type).body("x").send(&stack).await;
        let (status, _, sentence) = answer.error();
        assert_eq!(status, 415, "{media_type}");
        assert!(sentence.contains("the file itself as image/*") && !sentence.contains("form"), "{sentence}");
    }
    assert_eq!(stack.service.seen().calls, 0);
}

#[tokio::test]
async fn a_field_that_the_path_says_is_no_parameter() {
    let stack = start();
    let put = format!("{PUT}&upload_id=u2");
    let answer = anonymous(&put).header("content-type", "image/png").body("x").send(&stack).await;
    assert!(answer.error().2.contains("upload_id is part of the path already"), "{:?}", answer.body);
}

#[tokio::test]
async fn creating_and_completing_are_calls_like_any_other() {
    let stack = start();
    let create = request("POST /api/images/uploads").json(&json!({"content_type": "image/png"}));
    let created = create.send(&stack).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.json()["upload"]["headers"], json!({"content-type": "image/png"}));
    let completed = request("POST /api/images/uploads/u1:complete").send(&stack).await;
    assert_eq!((completed.status.as_u16(), &completed.json()["image"]["id"]), (200, &"u1".into()));
}
