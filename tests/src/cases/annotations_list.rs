//! `GET /api/annotations/by-image/{image_id}`.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::{Target, User, fixtures::new_annotation};

/// An image with annotations labeled 0, 1, 2, …; every second one has a confidence of n / 10.
async fn image_with_annotations(user: &User, count: usize) -> anyhow::Result<String> {
    let image_id = user.new_image().await?;
    let one = |n: usize| {
        let mut one = new_annotation(&image_id);
        one["label"] = json!(n.to_string());
        if n % 2 == 1 {
            one["confidence"] = json!(n as f64 / 10.0);
        }
        one
    };
    let annotations: Vec<_> = (0..count).map(one).collect();
    let created = user.post("/api/annotations/bulk", &json!({"annotations": annotations})).await?;
    ensure!(created.status == 201, "{created:?}");
    Ok(image_id)
}

/// The labels in a listing's response, and its next page token.
async fn labels(user: &User, path: &str) -> anyhow::Result<(Vec<String>, String)> {
    let response = user.get(path).await?;
    ensure!(response.status == 200, "{response:?}");
    let label = |one: &Value| one["label"].as_str().unwrap_or_default().to_owned();
    let labels = response.json["annotations"].as_array().into_iter().flatten().map(label).collect();
    ensure!(response.json["next_page_token"].is_string(), "{response:?}");
    Ok((labels, response.text("/next_page_token").to_owned()))
}

/// Given many annotations, when all pages are read, then each annotation is listed once, the newest first.
pub(super) async fn pages_list_each_annotation_once_newest_first(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let path = format!("/api/annotations/by-image/{}", image_with_annotations(&user, 7).await?);
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let (page, next) = labels(&user, &format!("{path}?page_size=3&page_token={token}")).await?;
        ensure!(page.len() <= 3);
        all.extend(page);
        if next.is_empty() {
            break;
        }
        token = next;
    }
    ensure!(all == ["6", "5", "4", "3", "2", "1", "0"], "{all:?}");
    Ok(())
}

/// Given a page token of either service, when one bit of it is changed, then it is rejected and named.
pub(super) async fn a_forged_page_token_is_rejected(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let annotations = format!("/api/annotations/by-image/{}", image_with_annotations(&user, 2).await?);
    user.new_image().await?;
    for path in [annotations.as_str(), "/api/images"] {
        let page = user.get(&format!("{path}?page_size=1")).await?;
        let token = page.text("/next_page_token");
        ensure!(user.get(&format!("{path}?page_size=1&page_token={token}")).await?.status == 200);
        let (head, last) = token.split_at(token.len() - 4);
        let forged = format!(
            "{head}{}{}",
            if last.starts_with('A') { 'B' } else { 'A' },
            last.get(1..).unwrap_or_default()
        );
        let rejected = user.get(&format!("{path}?page_size=1&page_token={forged}")).await?;
        ensure!(
            rejected.status == 400
                && rejected.text("/details/1/field_violations/0/field") == "page_token"
                && rejected.text("/error").contains("list again from the first page"),
            "{rejected:?}"
        );
    }
    Ok(())
}

/// Given filters in either spelling, when a listing has them, then it returns only matching annotations.
pub(super) async fn filters_return_only_matching_annotations(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let path = format!("/api/annotations/by-image/{}", image_with_annotations(&user, 8).await?);
    for (query, expected) in [
        ("label=3", vec!["3"]),
        ("label=none", vec![]),
        ("minConfidence=0.5", vec!["7", "5"]),
        ("min_confidence=0.5&label=7", vec!["7"]),
        ("created_by=nobody", vec![]),
        (&format!("created_by={}&minConfidence=0.7", user.id), vec!["7"]),
    ] {
        let (found, _) = labels(&user, &format!("{path}?{query}")).await?;
        ensure!(found == expected, "{query}: {found:?}");
    }
    Ok(())
}

/// Given invalid parameters, when a listing has one, then it is rejected and named.
pub(super) async fn an_invalid_parameter_is_rejected_by_name(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let path = format!("/api/annotations/by-image/{}", image_with_annotations(&user, 3).await?);
    let (_, token) = labels(&user, &format!("{path}?page_size=1")).await?;
    for (query, name) in [
        ("page_size=-1", "page_size"),
        ("page_size=many", "page_size"),
        ("page_size=1&page_size=2", "page_size"),
        ("page_token=nonsense", "page_token"),
        (&format!("label=0&page_token={token}"), "page_token"),
        ("minConfidence=high", "minConfidence"),
        ("minConfidence=1.5", "min_confidence"),
        ("colour=red", "colour"),
        ("image_id=1", "image_id"),
    ] {
        let rejected = user.get(&format!("{path}?{query}")).await?;
        ensure!(rejected.status == 400 && rejected.text("/error").contains(name), "{query}: {rejected:?}");
    }
    Ok(())
}
