//! Every error has the same shape, whether the gateway or a service made it.

use serde_json::json;

use crate::stack::{anonymous, request, start};

#[tokio::test]
async fn an_unknown_path_is_404_and_a_wrong_method_is_405() {
    let stack = start();
    for path in ["/nothing", "/api", "/api/images/", "/api/images/a/b/c", "//", "/api/images/a:destroy/x"] {
        let (status, code, _) = request(&format!("GET {path}")).send(&stack).await.error();
        assert_eq!((status, code.as_str()), (404, "NOT_FOUND"), "{path}");
    }
    let reply = request("PUT /api/images/abc").send(&stack).await;
    let (status, code, error) = reply.error();
    assert_eq!((status, code.as_str()), (405, "UNIMPLEMENTED"));
    assert_eq!(error, format!("This path accepts {}", reply.header("allow")));
    for method in ["GET", "HEAD", "PATCH", "DELETE"] {
        assert!(reply.header("allow").split(", ").any(|allowed| allowed == method), "{method}");
    }
    let overridden =
        request("POST /api/images/abc").header("x-http-method-override", "DELETE").send(&stack).await;
    assert_eq!(overridden.error().0, 405);
}

#[tokio::test]
async fn options_lists_the_methods_of_a_path() {
    let stack = start();
    let reply = anonymous("OPTIONS /api/images/abc").send(&stack).await;
    assert_eq!(reply.status, 204);
    assert!(reply.header("allow").contains("PATCH"));
    assert_eq!(anonymous("OPTIONS /nothing").send(&stack).await.status, 404);
}

#[tokio::test]
async fn a_services_error_keeps_its_code_message_and_details() {
    let stack = start();
    let reply = request("GET /api/images/missing").send(&stack).await;
    assert_eq!(reply.error(), (404, "NOT_FOUND".into(), "Image not found".into()));
    let details = reply.json()["details"].clone();
    let of = |name: &str| {
        let mut all = details.as_array().unwrap().iter();
        all.find(|detail| detail["@type"] == format!("type.googleapis.com/google.rpc.{name}"))
            .unwrap()
            .clone()
    };
    assert_eq!(of("ErrorInfo")["reason"], "NOT_FOUND");
    assert_eq!(of("ResourceInfo")["resource_name"], "missing");
}

#[tokio::test]
async fn a_detail_of_an_unknown_type_keeps_its_bytes() {
    let stack = start();
    let reply = request("GET /api/images/strange").send(&stack).await;
    assert_eq!(reply.error(), (400, "FAILED_PRECONDITION".into(), "Strange – très étrange".into()));
    assert_eq!(reply.json()["details"], json!([{"@type": "type.googleapis.com/x.Unknown", "value": "AQID"}]));
}

#[tokio::test]
async fn a_retryable_error_has_retry_after() {
    let stack = start();
    let reply = request("GET /api/images/away").send(&stack).await;
    assert_eq!(reply.error(), (503, "UNAVAILABLE".into(), "Not now".into()));
    assert_eq!(reply.header("retry-after"), "1");
}

#[tokio::test]
async fn a_service_may_declare_its_own_status_for_an_error_reason() {
    let stack = start();
    let reply = request("GET /api/images/full").send(&stack).await;
    assert_eq!(reply.error(), (507, "RESOURCE_EXHAUSTED".into(), "The storage is full".into()));
}

#[tokio::test]
async fn invalid_json_is_rejected_without_a_call_of_the_service() {
    let stack = start();
    for body in ["{", "[]", "{\"label\":}", "nonsense", "{\"a\":1}", "{\"label\":1}", "{\"x\":\"wide\"}"] {
        let reply = request("POST /api/annotations").header("content-type", "application/json").body(body);
        let (status, code, _) = reply.send(&stack).await.error();
        assert_eq!((status, code.as_str()), (400, "INVALID_ARGUMENT"), "{body}");
    }
    let unknown = request("POST /api/annotations").json(&json!({"colour": "red"})).send(&stack).await;
    assert!(unknown.error().2.contains("colour"), "{:?}", unknown.body);
    let unknown = request("GET /api/images?colour=red").send(&stack).await;
    assert!(unknown.error().2.contains("colour"), "{:?}", unknown.body);
    assert_eq!(stack.service.seen().calls, 0);
}

#[tokio::test]
async fn a_panic_in_a_service_is_an_internal_error_without_details() {
    let stack = start();
    let reply = request("GET /api/images/panic").send(&stack).await;
    assert_eq!(reply.error(), (500, "INTERNAL".into(), "Internal error".into()));
}
