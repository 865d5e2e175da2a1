//! HTTP manners: errors in one shape, unknown paths and methods, broken bodies, CORS, headers, health.

use anyhow::ensure;
use reqwest::Method;
use serde_json::Value;

use crate::{Answer, Target, User};

async fn post(user: &User, content_type: &str, body: impl Into<reqwest::Body>) -> anyhow::Result<Answer> {
    let request =
        user.request(Method::POST, "/api/annotations").header("content-type", content_type).body(body);
    Answer::read(request.send().await?).await
}

/// Every error is JSON with a sentence, a code, details and the request id that the header has too.
fn in_our_shape(answer: &Answer) -> anyhow::Result<()> {
    ensure!(answer.header("content-type") == "application/json", "{answer:?}");
    ensure!(!answer.text("/error").is_empty() && !answer.text("/code").is_empty(), "{answer:?}");
    ensure!(answer.json["details"].is_array(), "{answer:?}");
    ensure!(answer.text("/request_id") == answer.header("x-request-id"), "{answer:?}");
    Ok(())
}

/// Given paths and methods that are not there, when they are called, then 404 and 405 answer in our shape.
pub(super) async fn unknown_paths_and_methods_answer_in_our_shape(target: Target) -> anyhow::Result<()> {
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
        let answer = user.get(path).await?;
        ensure!(answer.status == 404 && answer.text("/code") == "NOT_FOUND", "{path}: {answer:?}");
        in_our_shape(&answer)?;
    }
    for (method, path, allow) in [
        (Method::PUT, "/api/images", "GET"),
        (Method::POST, "/api/images", "GET"),
        (Method::GET, "/api/annotations", "POST"),
        (Method::DELETE, "/api/annotations/bulk", "POST"),
        (Method::POST, "/health", "GET"),
    ] {
        let answer = Answer::read(user.request(method.clone(), path).send().await?).await?;
        ensure!(
            answer.status == 405 && answer.header("allow").contains(allow),
            "{method} {path}: {answer:?}"
        );
        in_our_shape(&answer)?;
    }
    Ok(())
}

/// Given bodies that are no JSON, when they are sent, then the answer says where they break.
pub(super) async fn broken_bodies_are_refused(target: Target) -> anyhow::Result<()> {
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
        let answer = post(&user, "application/json", body.to_owned()).await?;
        ensure!(answer.status == 400 && answer.text("/code") == "INVALID_ARGUMENT", "{body:.40}: {answer:?}");
        in_our_shape(&answer)?;
    }
    let not_utf8 = post(&user, "application/json", b"{\"label\":\"\xff\"}".to_vec()).await?;
    ensure!(not_utf8.status == 400, "{not_utf8:?}");
    for content_type in ["text/plain", "application/xml", "multipart/form-data; boundary=x"] {
        let answer = post(&user, content_type, "{}").await?;
        ensure!(answer.status == 415, "{content_type}: {answer:?}");
        in_our_shape(&answer)?;
    }
    let large =
        post(&user, "application/json", format!(r#"{{"label":"{}"}}"#, "x".repeat(9_000_000))).await?;
    ensure!(large.status == 413, "{}", large.status);
    in_our_shape(&large)
}

/// Given unknown fields and parameters, when they are sent, then they are refused by name; both spellings are known.
pub(super) async fn unknown_names_are_refused_and_both_spellings_known(target: Target) -> anyhow::Result<()> {
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

/// Given a request id, when it is sane, then it comes back; else, and without one, there is a new one.
pub(super) async fn a_request_id_comes_back(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let with = async |id: &str| {
        Answer::read(user.request(Method::GET, "/api/images").header("x-request-id", id).send().await?).await
    };
    ensure!(with("order-66").await?.header("x-request-id") == "order-66");
    let replaced = with(&"x".repeat(1000)).await?;
    ensure!((1..=128).contains(&replaced.header("x-request-id").len()), "{replaced:?}");
    ensure!(!user.get("/health").await?.header("x-request-id").is_empty());
    Ok(())
}

/// Given a web page, when its origin is allowed, then a browser lets it call; on errors too. Others are not let.
pub(super) async fn allowed_origins_may_call_and_others_may_not(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let preflight = async |origin: &str| {
        let request = target.client.request(Method::OPTIONS, target.url("/api/annotations"));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        Answer::read(
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
        let answer = Answer::read(request.send().await?).await?;
        ensure!(answer.header("access-control-allow-origin") == "https://app.example", "{path}: {answer:?}");
        ensure!(answer.header("vary").to_lowercase().contains("origin"), "{path}: {answer:?}");
        for name in ["grpc-status", "grpc-message", "etag", "x-request-id"] {
            ensure!(
                answer.header("access-control-expose-headers").to_lowercase().contains(name),
                "{name}: {answer:?}"
            );
        }
    }
    Ok(())
}

/// Given the gateway, when its health is asked for, then it is well and says where it is.
pub(super) async fn health_says_where_it_is(target: Target) -> anyhow::Result<()> {
    let health = Answer::read(target.client.get(target.url("/health")).send().await?).await?;
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
    let answer = Answer::read(target.client.get(target.url("/openapi.json")).send().await?).await?;
    ensure!(answer.status == 200 && answer.text("/openapi").starts_with("3.1"), "{}", answer.status);
    for (path, method) in [
        ("/api/images", "get"),
        ("/api/images/upload", "post"),
        ("/api/images/{image_id}", "delete"),
        ("/api/images/{image_id}:undelete", "post"),
        ("/api/images/{image_id}/content", "get"),
        ("/api/annotations/bulk", "post"),
        ("/api/annotations/by-image/{image_id}", "get"),
    ] {
        ensure!(answer.json["paths"][path][method].is_object(), "{method} {path}");
    }
    ensure!(
        answer.json["components"]["schemas"]
            .as_object()
            .is_some_and(|all| all.values().all(Value::is_object))
    );
    Ok(())
}
