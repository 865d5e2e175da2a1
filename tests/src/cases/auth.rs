//! Tokens, on every door.

use anyhow::ensure;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use proto::annotations::v1::ListAnnotationsRequest;
use serde_json::{Value, json};
use tonic::Code;

use crate::{Answer, Target, grpc, token};

/// Given tokens that prove nothing, when any door is called with one, then nobody is let in.
pub(super) async fn tokens_that_prove_nothing_are_refused_on_every_door(
    target: Target,
) -> anyhow::Result<()> {
    for (name, bad) in bad_tokens() {
        let request = target.client.get(target.url("/api/images")).bearer_auth(&bad);
        let answer = Answer::read(request.send().await?).await?;
        ensure!(
            answer.status == 401 && answer.text("/code") == "UNAUTHENTICATED",
            "{name} over HTTP: {answer:?}"
        );
        ensure!(answer.header("www-authenticate").starts_with("Bearer"), "{name}: {answer:?}");
        for address in [target.gateway, target.annotations] {
            let mut client = grpc::annotations(target.protocol, address, &bad).await?;
            let refused = client.list_annotations(ListAnnotationsRequest::default()).await;
            ensure!(
                refused.is_err_and(|status| status.code() == Code::Unauthenticated),
                "{name} over gRPC at {address}"
            );
        }
    }
    Ok(())
}

/// Given no token, when a resource is asked for, then the answer says what is needed.
pub(super) async fn without_a_token_the_answer_says_what_is_needed(target: Target) -> anyhow::Result<()> {
    for path in ["/api/images", "/api/annotations/00000000000000000000000000000000"] {
        let answer = Answer::read(target.client.get(target.url(path)).send().await?).await?;
        ensure!(answer.status == 401 && answer.text("/code") == "UNAUTHENTICATED", "{path}: {answer:?}");
        ensure!(answer.text("/error").contains("authorization: Bearer"), "{path}: {answer:?}");
        ensure!(!answer.text("/request_id").is_empty(), "{path}: {answer:?}");
    }
    Ok(())
}

/// Given a token with one scope, when another is needed, then it is forbidden; what it allows is not.
pub(super) async fn a_scope_allows_what_it_names_and_no_more(target: Target) -> anyhow::Result<()> {
    let reader = target.new_user_with("images:read");
    ensure!(reader.get("/api/images").await?.status == 200);
    let refused = reader.post("/api/annotations", &json!({})).await?;
    ensure!(refused.status == 403 && refused.text("/code") == "PERMISSION_DENIED", "{refused:?}");
    ensure!(refused.text("/error").contains("annotations:write"), "{refused:?}");
    Ok(())
}

/// Given another's image, when a stranger or a model server asks for it, then it exists for the model server alone.
pub(super) async fn anothers_image_exists_only_with_owners_any(target: Target) -> anyhow::Result<()> {
    let image_id = target.new_user().new_image().await?;
    let paths = ["", "/content", "/signed-url"].map(|part| format!("/api/images/{image_id}{part}"));
    let list = format!("/api/annotations/by-image/{image_id}");
    let model = target.new_user_with("images:read annotations:read owners:any");
    let stranger = target.new_user();
    for path in paths.iter().chain([&list]) {
        let refused = stranger.get(path).await?;
        ensure!(refused.status == 404 && refused.text("/error") == "Image not found", "{path}: {refused:?}");
        ensure!(model.get(path).await?.status == 200, "{path}");
    }
    for refused in [
        stranger.delete(&format!("/api/images/{image_id}")).await?,
        stranger.patch(&format!("/api/images/{image_id}"), &json!({"filename": "mine.png"})).await?,
        stranger.post("/api/annotations", &super::annotations::a_box(&image_id)).await?,
    ] {
        ensure!(refused.status == 404, "{refused:?}");
    }
    Ok(())
}

/// Given a model server whose token knows boxes alone, when it draws one on another's image, then it is stored.
pub(super) async fn a_model_server_needs_no_scope_of_images(target: Target) -> anyhow::Result<()> {
    let image_id = target.new_user().new_image().await?;
    let model = target.new_user_with("annotations:write owners:any");
    let drawn = model.post("/api/annotations", &super::annotations::a_box(&image_id)).await?;
    ensure!(drawn.status == 201, "{drawn:?}");
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
