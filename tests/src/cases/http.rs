//! General HTTP behavior: the format of errors, unknown paths and methods, invalid bodies, CORS, headers, health.

use anyhow::ensure;
use reqwest::Method;
use serde_json::Value;

use crate::{HttpResponse, Target, User};

async fn post(
    user: &User,
    content_type: &str,
    body: impl Into<reqwest::Body>,
) -> anyhow::Result<HttpResponse> {
    let request =
        user.request(Method::POST, "/api/annotations").header("content-type", content_type).body(body);
    HttpResponse::read(request.send().await?).await
}

/// Requires an error response in JSON with a message, a code, details and the request id that is also in the header.
fn require_json_error(response: &HttpResponse) -> anyhow::Result<()> {
    ensure!(response.header("content-type") == "application/json", "{response:?}");
    ensure!(!response.text("/error").is_empty() && !response.text("/code").is_empty(), "{response:?}");
    ensure!(response.json["details"].is_array(), "{response:?}");
    ensure!(response.text("/request_id") == response.header("x-request-id"), "{response:?}");
    Ok(())
}

/// Given unknown paths and methods, when they are called, then the response is 404 or 405 with a JSON error.
pub(super) async fn unknown_paths_and_methods_return_json_errors(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    for path in [
        "/nowhere",
        "/api",
        "/api/",
        "/api/image",
        "/api/images/",
        "/api/images/1/2/3",
        "/API/images",
        "//api/images",
    ] {
        let response = user.get(path).await?;
        ensure!(response.status == 404 && response.text("/code") == "NOT_FOUND", "{path}: {response:?}");
        require_json_error(&response)?;
    }
    for (method, path, allow) in [
        (Method::PUT, "/api/images", "GET"),
        (Method::POST, "/api/images", "GET"),
        (Method::GET, "/api/annotations", "POST"),
        (Method::DELETE, "/api/annotations/bulk", "POST"),
        (Method::POST, "/health", "GET"),
    ] {
        let response = HttpResponse::read(user.request(method.clone(), path).send().await?).await?;
        ensure!(
            response.status == 405 && response.header("allow").contains(allow),
            "{method} {path}: {response:?}"
        );
        require_json_error(&response)?;
    }
    Ok(())
}

/// Given bodies that are not valid JSON, when they are sent, then they are rejected with a JSON error.
pub(super) async fn invalid_bodies_are_rejected(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let deep = "[".repeat(100_000);
    let deep_value = format!(r#"{{"label":{}1{}}}"#, "[".repeat(50_000), "]".repeat(50_000));
    for body in [
        "{",
        "",
        "[]",
        "null",
        "{\"label\":}",
        "{} {}",
        "\u{feff}{}",
        "{\"label\":\"a\",\"label\":\"b\"}",
        &deep,
        &deep_value,
    ] {
        let response = post(&user, "application/json", body.to_owned()).await?;
        ensure!(
            response.status == 400 && response.text("/code") == "INVALID_ARGUMENT",
            "{body:.40}: {response:?}"
        );
        require_json_error(&response)?;
    }
    let not_utf8 = post(&user, "application/json", b"{\"label\":\"\xff\"}".to_vec()).await?;
    ensure!(not_utf8.status == 400, "{not_utf8:?}");
    for content_type in ["text/plain", "application/xml", "multipart/form-data; boundary=x"] {
        let response = post(&user, content_type, "{}").await?;
        ensure!(response.status == 415, "{content_type}: {response:?}");
        require_json_error(&response)?;
    }
    let large =
        post(&user, "application/json", format!(r#"{{"label":"{}"}}"#, "x".repeat(9_000_000))).await?;
    ensure!(large.status == 413, "{}", large.status);
    require_json_error(&large)
}

/// Given unknown fields and parameters, when they are sent, then they are rejected and named; both spellings are accepted.
pub(super) async fn unknown_names_are_rejected_and_both_spellings_accepted(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let unknown = post(&user, "application/json", r#"{"lable":"car"}"#).await?;
    ensure!(unknown.status == 400 && unknown.text("/error").contains("lable"), "{unknown:?}");
    let parameter = user.get("/api/images?pagesize=1").await?;
    ensure!(parameter.status == 400 && parameter.text("/error").contains("pagesize"), "{parameter:?}");
    let image_id = user.new_image().await?;
    let camel = format!(r#"{{"imageId":"{image_id}","label":"car","x":0,"y":0,"width":1,"height":1}}"#);
    ensure!(post(&user, "application/json; charset=utf-8", camel).await?.status == 201);
    Ok(())
}

/// Given a request id, when it is valid, then the response has it; otherwise, and without one, it has a new id.
pub(super) async fn a_valid_request_id_is_returned(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let with = async |id: &str| {
        HttpResponse::read(user.request(Method::GET, "/api/images").header("x-request-id", id).send().await?)
            .await
    };
    ensure!(with("order-66").await?.header("x-request-id") == "order-66");
    let replaced = with(&"x".repeat(1000)).await?;
    ensure!((1..=128).contains(&replaced.header("x-request-id").len()), "{replaced:?}");
    ensure!(!user.get("/health").await?.header("x-request-id").is_empty());
    Ok(())
}

/// Given a web page, when its origin is allowed, then the CORS headers allow its calls, also on errors; no others are allowed.
pub(super) async fn only_allowed_origins_may_call(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let preflight = async |origin: &str| {
        let request = target.client.request(Method::OPTIONS, target.url("/api/annotations"));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        HttpResponse::read(
            request.header("access-control-request-headers", "authorization,content-type").send().await?,
        )
        .await
    };
    let allowed = preflight("https://app.example").await?;
    ensure!(matches!(allowed.status, 200 | 204), "{allowed:?}");
    ensure!(allowed.header("access-control-allow-origin") == "https://app.example", "{allowed:?}");
    ensure!(allowed.header("access-control-allow-methods").contains("POST"), "{allowed:?}");
    for name in ["authorization", "content-type", "x-grpc-web", "grpc-timeout"] {
        ensure!(
            allowed.header("access-control-allow-headers").to_lowercase().contains(name),
            "{name}: {allowed:?}"
        );
    }
    ensure!(preflight("https://evil.example").await?.header("access-control-allow-origin").is_empty());

    for path in ["/api/images", "/nowhere", "/health"] {
        let request = user.request(Method::GET, path).header("origin", "https://app.example");
        let response = HttpResponse::read(request.send().await?).await?;
        ensure!(
            response.header("access-control-allow-origin") == "https://app.example",
            "{path}: {response:?}"
        );
        ensure!(response.header("vary").to_lowercase().contains("origin"), "{path}: {response:?}");
        for name in ["grpc-status", "grpc-message", "etag", "x-request-id"] {
            ensure!(
                response.header("access-control-expose-headers").to_lowercase().contains(name),
                "{name}: {response:?}"
            );
        }
    }
    Ok(())
}

/// Given the gateway, when its health is requested, then it is healthy and the response has its region.
pub(super) async fn health_has_the_region(target: Target) -> anyhow::Result<()> {
    let health = HttpResponse::read(target.client.get(target.url("/health")).send().await?).await?;
    ensure!(
        health.status == 200 && health.text("/status") == "ok" && !health.text("/region").is_empty(),
        "{health:?}"
    );
    for path in ["/livez", "/readyz"] {
        ensure!(target.client.get(target.url(path)).send().await?.status() == 200, "{path}");
    }
    Ok(())
}

/// Given the OpenAPI description, when it is read, then it is 3.1 and has every route.
pub(super) async fn openapi_describes_every_route(target: Target) -> anyhow::Result<()> {
    let response = HttpResponse::read(target.client.get(target.url("/openapi.json")).send().await?).await?;
    ensure!(response.status == 200 && response.text("/openapi").starts_with("3.1"), "{}", response.status);
    for (path, method) in [
        ("/api/images", "get"),
        ("/api/images/upload", "post"),
        ("/api/images/{image_id}", "delete"),
        ("/api/images/{image_id}:undelete", "post"),
        ("/api/images/{image_id}/content", "get"),
        ("/api/annotations/bulk", "post"),
        ("/api/annotations/by-image/{image_id}", "get"),
    ] {
        ensure!(response.json["paths"][path][method].is_object(), "{method} {path}");
    }
    ensure!(
        response.json["components"]["schemas"]
            .as_object()
            .is_some_and(|all| all.values().all(Value::is_object))
    );
    Ok(())
}
