//! The headers for browsers: CORS and secure headers, on responses of every kind.

use gateway_core::{AllowedOrigins, Config};

use crate::stack::{anonymous, config, request, start, start_with};

const APP: &str = "https://app.example.com";

#[tokio::test]
async fn a_preflight_needs_no_token() {
    let stack = start();
    let reply = anonymous("OPTIONS /api/images/abc")
        .header("origin", APP)
        .header("access-control-request-method", "PATCH")
        .header("access-control-request-headers", "authorization, content-type, if-match")
        .send(&stack)
        .await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("access-control-allow-origin"), APP);
    for method in ["PATCH", "PUT"] {
        assert!(reply.header("access-control-allow-methods").split(", ").any(|m| m == method), "{method}");
    }
    for name in [
        "authorization",
        "x-grpc-web",
        "x-user-agent",
        "grpc-timeout",
        "if-match",
        "range",
        // Headers that tracing libraries and frameworks add to every request of a page.
        "traceparent",
        "tracestate",
        "baggage",
        "sentry-trace",
        "x-requested-with",
    ] {
        assert!(reply.header("access-control-allow-headers").split(", ").any(|n| n == name), "{name}");
    }
    assert_eq!(reply.header("access-control-max-age"), "7200");
    assert!(reply.header("vary").contains("origin"));
    assert_eq!(stack.service.seen().calls, 0);
}

#[tokio::test]
async fn only_an_allowed_page_can_read_a_response() {
    let stack = start();
    let grpc_web =
        |path: &str| request(path).header("content-type", "application/grpc-web+proto").body(vec![0; 5]);
    let requests = || {
        [
            request("GET /api/images/abc"),
            request("GET /api/images/missing"),
            request("GET /nothing"),
            request("PUT /api/images/abc"),
            anonymous("GET /api/images/abc"),
            anonymous("GET /health"),
            request("GET /api/images/abc/content"),
            request("POST /api/annotations").json(&serde_json::json!([])),
            grpc_web("POST /reticle.images.v1.ImagesService/GetImage"),
            grpc_web("POST /no.such.Service/Method"),
        ]
    };
    for request in requests() {
        let reply = request.header("origin", APP).send(&stack).await;
        assert_eq!(reply.header("access-control-allow-origin"), APP, "{reply:?}");
        for name in
            ["grpc-status", "grpc-message", "grpc-status-details-bin", "etag", "x-request-id", "retry-after"]
        {
            assert!(reply.header("access-control-expose-headers").split(", ").any(|n| n == name), "{name}");
        }
        assert!(reply.headers.get_all("vary").iter().any(|value| value == "origin"), "{reply:?}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
    }
    for request in requests() {
        let reply = request.header("origin", "https://evil.test").send(&stack).await;
        assert_eq!(reply.header("access-control-allow-origin"), "");
        let varies = reply.headers.get_all("vary").iter().any(|value| value == "origin");
        assert!(varies, "a cache must keep the responses of the two origins apart");
    }
}

#[tokio::test]
async fn a_star_allows_every_origin() {
    let stack = start_with(Config { allowed_origins: AllowedOrigins::Any, ..config() });
    let reply = request("GET /api/images/abc").header("origin", "https://any.test").send(&stack).await;
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    assert_eq!(reply.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn only_files_may_be_embedded_in_other_pages() {
    let stack = start();
    let data = request("GET /api/images/abc").send(&stack).await;
    assert_eq!(data.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert_eq!(data.header("cross-origin-resource-policy"), "same-origin");
    let file = request("GET /api/images/abc/content").send(&stack).await;
    assert_eq!(file.header("content-security-policy"), "sandbox");
    assert_eq!(file.header("cross-origin-resource-policy"), "cross-origin");
}

#[tokio::test]
async fn hsts_is_sent_over_https_only() {
    let stack = start();
    let hsts = "strict-transport-security";
    assert_eq!(anonymous("GET /health").send(&stack).await.header(hsts), "");
    let secure = anonymous("GET /health").header("x-forwarded-proto", "https").send(&stack).await;
    assert!(secure.header(hsts).starts_with("max-age="));
}
