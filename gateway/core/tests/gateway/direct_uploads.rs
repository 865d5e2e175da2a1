//! Direct uploads: files without a token and without a form, at a URL that was signed for one file.

use serde_json::json;

use crate::stack::{anonymous, request, start};

const PUT: &str = "PUT /api/images/uploads/u1/content?expires_at=7&signature=s";

#[tokio::test]
async fn path_query_headers_and_body_become_one_stream() {
    let stack = start();
    let reply = anonymous(PUT).header("content-type", "image/png").body("PNGDATA").send(&stack).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({})), "{:?}", reply.body);
    let (info, bytes) = stack.service.seen().put.clone().unwrap();
    assert_eq!((info.upload_id.as_str(), info.expires_at, info.signature.as_str()), ("u1", 7, "s"));
    assert_eq!((info.content_type.as_str(), info.size_bytes), ("image/png", Some(7)));
    assert_eq!(bytes, b"PNGDATA");
}

#[tokio::test]
async fn a_missing_token_is_left_to_the_service_and_its_error_is_returned() {
    let stack = start();
    let put = PUT.replace("u1", "missing");
    let reply = anonymous(&put).header("content-type", "image/png").body("x").send(&stack).await;
    assert_eq!(reply.error().0, 404);
}

#[tokio::test]
async fn a_body_that_is_not_an_image_is_rejected_with_the_accepted_types() {
    let stack = start();
    for media_type in ["multipart/form-data; boundary=x", "text/plain", "application/octet-stream"] {
        let reply = anonymous(PUT).header("content-type", media_type).body("x").send(&stack).await;
        let (status, _, message) = reply.error();
        assert_eq!(status, 415, "{media_type}");
        assert!(message.contains("the file itself as image/*") && !message.contains("form"), "{message}");
    }
    assert_eq!(stack.service.seen().calls, 0);
}

#[tokio::test]
async fn a_field_of_the_path_is_rejected_as_a_parameter() {
    let stack = start();
    let put = format!("{PUT}&upload_id=u2");
    let reply = anonymous(&put).header("content-type", "image/png").body("x").send(&stack).await;
    assert!(reply.error().2.contains("upload_id is part of the path already"), "{:?}", reply.body);
}

#[tokio::test]
async fn creating_and_completing_an_upload_are_unary_calls() {
    let stack = start();
    let create = request("POST /api/images/uploads").json(&json!({"content_type": "image/png"}));
    let created = create.send(&stack).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.json()["upload"]["headers"], json!({"content-type": "image/png"}));
    let completed = request("POST /api/images/uploads/u1:complete").send(&stack).await;
    assert_eq!((completed.status.as_u16(), &completed.json()["image"]["id"]), (200, &"u1".into()));
}
