//! Authentication and scopes, on every port.

use anyhow::ensure;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proto::annotations::v1::ListAnnotationsRequest;
use serde_json::{Value, json};
use tonic::Code;

use crate::{HttpResponse, Target, fixtures::new_annotation, grpc, token};

/// Given invalid tokens, when any port is called with one, then the call is rejected.
pub(super) async fn invalid_tokens_are_rejected_on_every_port(target: Target) -> anyhow::Result<()> {
    for (name, bad) in bad_tokens() {
        let request = target.client.get(target.url("/api/images")).bearer_auth(&bad);
        let response = HttpResponse::read(request.send().await?).await?;
        ensure!(
            response.status == 401 && response.text("/code") == "UNAUTHENTICATED",
            "{name} over HTTP: {response:?}"
        );
        ensure!(response.header("www-authenticate").starts_with("Bearer"), "{name}: {response:?}");
        for address in [target.gateway, target.annotations] {
            let mut client = grpc::annotations(target.protocol, address, &bad).await?;
            let rejected = client.list_annotations(ListAnnotationsRequest::default()).await;
            ensure!(
                rejected.is_err_and(|status| status.code() == Code::Unauthenticated),
                "{name} over gRPC at {address}"
            );
        }
    }
    Ok(())
}

/// Given no token, when a resource is requested, then the response says which header is needed.
pub(super) async fn a_request_without_a_token_is_rejected_with_instructions(
    target: Target,
) -> anyhow::Result<()> {
    for path in ["/api/images", "/api/annotations/00000000000000000000000000000000"] {
        let response = HttpResponse::read(target.client.get(target.url(path)).send().await?).await?;
        ensure!(
            response.status == 401 && response.text("/code") == "UNAUTHENTICATED",
            "{path}: {response:?}"
        );
        ensure!(response.text("/error").contains("authorization: Bearer"), "{path}: {response:?}");
        ensure!(!response.text("/request_id").is_empty(), "{path}: {response:?}");
    }
    Ok(())
}

/// Given a token with one scope, when a call needs another scope, then it is rejected; calls that need this scope succeed.
pub(super) async fn a_scope_allows_only_what_it_names(target: Target) -> anyhow::Result<()> {
    let reader = target.new_user_with("images:read");
    ensure!(reader.get("/api/images").await?.status == 200);
    let rejected = reader.post("/api/annotations", &json!({})).await?;
    ensure!(rejected.status == 403 && rejected.text("/code") == "PERMISSION_DENIED", "{rejected:?}");
    ensure!(rejected.text("/error").contains("annotations:write"), "{rejected:?}");
    Ok(())
}

/// Given an image of another owner, when a user and a model server request it, then only the model server finds it.
pub(super) async fn the_image_of_another_owner_needs_the_scope_owners_any(
    target: Target,
) -> anyhow::Result<()> {
    let image_id = target.new_user().new_image().await?;
    let paths = ["", "/content", "/signed-url"].map(|part| format!("/api/images/{image_id}{part}"));
    let list = format!("/api/annotations/by-image/{image_id}");
    let model = target.new_user_with("images:read annotations:read owners:any");
    let other_user = target.new_user();
    for path in paths.iter().chain([&list]) {
        let rejected = other_user.get(path).await?;
        ensure!(
            rejected.status == 404 && rejected.text("/error") == "Image not found",
            "{path}: {rejected:?}"
        );
        ensure!(model.get(path).await?.status == 200, "{path}");
    }
    for rejected in [
        other_user.delete(&format!("/api/images/{image_id}")).await?,
        other_user.patch(&format!("/api/images/{image_id}"), &json!({"filename": "mine.png"})).await?,
        other_user.post("/api/annotations", &new_annotation(&image_id)).await?,
    ] {
        ensure!(rejected.status == 404, "{rejected:?}");
    }
    Ok(())
}

/// Given a model server with annotation scopes only, when it creates an annotation on another owner's image, then it is stored.
pub(super) async fn a_model_server_needs_no_images_scope(target: Target) -> anyhow::Result<()> {
    let image_id = target.new_user().new_image().await?;
    let model = target.new_user_with("annotations:write owners:any");
    let created = model.post("/api/annotations", &new_annotation(&image_id)).await?;
    ensure!(created.status == 201, "{created:?}");
    ensure!(model.get(&format!("/api/images/{image_id}")).await?.status == 403);
    Ok(())
}

fn bad_tokens() -> Vec<(&'static str, String)> {
    let hour = token::now().as_seconds() + 3600;
    let claims = |claims: Value| token::sign(&json!({"alg": "HS256"}), &claims, token::SECRET);
    let good = claims(json!({"sub": "eve", "exp": hour}));
    let (head, signature) = good.rsplit_once('.').unwrap_or_default();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let payload = URL_SAFE_NO_PAD.encode(json!({"sub": "eve", "exp": hour}).to_string());
    vec![
        ("garbage", "not-a-token".to_owned()),
        ("forged", format!("{head}.{}", signature.chars().rev().collect::<String>())),
        ("unsigned", format!("{head}.")),
        ("alg none", format!("{none}.{payload}.")),
        (
            "wrong key",
            token::sign(&json!({"alg": "HS256"}), &json!({"sub": "eve", "exp": hour}), &"x".repeat(40)),
        ),
        (
            "RS256 by name",
            token::sign(&json!({"alg": "RS256"}), &json!({"sub": "eve", "exp": hour}), token::SECRET),
        ),
        ("expired", claims(json!({"sub": "eve", "exp": hour - 7200}))),
        ("not yet valid", claims(json!({"sub": "eve", "exp": hour, "nbf": hour}))),
        ("no exp", claims(json!({"sub": "eve"}))),
        ("no sub", claims(json!({"exp": hour}))),
        ("empty sub", claims(json!({"sub": "", "exp": hour}))),
        ("very long", claims(json!({"sub": "eve", "exp": hour, "pad": "x".repeat(9000)}))),
    ]
}
