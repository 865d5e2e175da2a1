//! Annotations over HTTP/JSON: create, bulk, get, update, delete.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::{
    Target,
    fixtures::{count_annotations, new_annotation},
};

/// A valid annotation with one field replaced.
fn new_annotation_with(image_id: &str, field: &str, value: Value) -> Value {
    let mut one = new_annotation(image_id);
    one[field] = value;
    one
}

/// Given an image, when an annotation is created, then the response and a later read have every field as it was sent.
pub(super) async fn a_created_annotation_is_returned_unchanged(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let mut sent = new_annotation(&image_id);
    sent["x"] = json!(0.100_000_000_000_000_02);
    sent["confidence"] = json!(0.875);
    sent["model"] = json!("detector 1.2");
    sent["label"] = json!("Straßenbahn 🚋");
    let created = user.post("/api/annotations", &sent).await?;
    ensure!(created.status == 201, "{created:?}");
    let annotation = &created.json["annotation"];
    for (field, value) in sent.as_object().into_iter().flatten() {
        ensure!(&annotation[field] == value, "{field}: {annotation}");
    }
    ensure!(annotation["created_by"] == user.id.as_str(), "{annotation}");
    ensure!(created.header("etag") == format!("\"{}\"", created.text("/annotation/etag")), "{created:?}");
    let read = user.get(&format!("/api/annotations/{}", created.text("/annotation/id"))).await?;
    ensure!(read.status == 200 && read.json == created.json, "{read:?}");
    Ok(())
}

/// Given an annotation without confidence and model, when it is created, then it has no confidence and an empty model.
pub(super) async fn a_manual_annotation_has_no_confidence(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let created = user.post("/api/annotations", &new_annotation(&user.new_image().await?)).await?;
    let annotation = &created.json["annotation"];
    ensure!(annotation.get("confidence").is_none() && annotation["model"] == "", "{annotation}");
    Ok(())
}

/// Given each rule, when one value violates it, then the response names the field and nothing is stored.
pub(super) async fn an_invalid_field_is_named_and_nothing_is_stored(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let invalid = [
        ("image_id", json!("xyz")),
        ("image_id", json!(image_id.to_uppercase() + "A")),
        ("label", json!("")),
        ("label", json!("x".repeat(101))),
        ("x", json!(-0.001)),
        ("x", json!(1.001)),
        ("y", json!(-0.001)),
        ("y", json!("NaN")),
        ("y", json!("Infinity")),
        ("width", json!(0.000_999)),
        ("width", json!(1.001)),
        ("width", json!(0.901)),
        ("height", json!(0)),
        ("height", json!(0.801)),
        ("confidence", json!(-0.1)),
        ("confidence", json!(1.1)),
        ("confidence", json!("NaN")),
        ("model", json!("m".repeat(201))),
    ];
    for (field, value) in invalid {
        let rejected =
            user.post("/api/annotations", &new_annotation_with(&image_id, field, value.clone())).await?;
        ensure!(
            rejected.status == 400 && rejected.text("/code") == "INVALID_ARGUMENT",
            "{field}={value}: {rejected:?}"
        );
        let named = rejected.text("/error").starts_with(field);
        let details = rejected.json["details"].to_string().contains(&format!("\"field\":\"{field}\""));
        ensure!(named && details, "{field}={value}: {rejected:?}");
    }
    ensure!(count_annotations(&user, &image_id).await? == 0);
    Ok(())
}

/// Given values at the limits of the rules, when annotations have them, then they are stored.
pub(super) async fn values_at_the_limits_are_stored(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    for edges in [
        json!({"x": 0, "y": 0, "width": 1, "height": 1}),
        json!({"x": 0.999, "y": 0.999, "width": 0.001, "height": 0.001}),
        json!({"x": 0.5, "width": 0.500_000_9}),
        json!({"label": "ä".repeat(100)}),
        json!({"confidence": 0}),
        json!({"confidence": 1.0}),
        json!({"model": "m".repeat(200)}),
    ] {
        let mut one = new_annotation(&image_id);
        for (field, value) in edges.as_object().into_iter().flatten() {
            one[field] = value.clone();
        }
        let created = user.post("/api/annotations", &one).await?;
        ensure!(created.status == 201, "{edges}: {created:?}");
    }
    Ok(())
}

/// Given 500 annotations, when they are sent in one call, then all are stored and the response has their ids in order.
pub(super) async fn five_hundred_annotations_are_stored_in_one_call(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let annotations: Vec<_> =
        (0..500).map(|n| new_annotation_with(&image_id, "label", json!(format!("label {n}")))).collect();
    let created = user.post("/api/annotations/bulk", &json!({"annotations": annotations})).await?;
    ensure!(created.status == 201, "{created:?}");
    ensure!(created.json["inserted"] == 500 && created.json["total"] == 500, "{created:?}");
    let ids = created.json["ids"].as_array().cloned().unwrap_or_default();
    ensure!(ids.len() == 500 && ids.is_sorted_by_key(|id| id.as_str().map(str::to_owned)), "{created:?}");
    let last = user.get(&format!("/api/annotations/{}", created.text("/ids/499"))).await?;
    ensure!(last.text("/annotation/label") == "label 499", "{last:?}");
    ensure!(count_annotations(&user, &image_id).await? == 500);
    Ok(())
}

/// Given too few or too many annotations, or one bad annotation among good ones, when they are sent, then none is stored.
pub(super) async fn a_bulk_create_is_atomic(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let good = new_annotation(&image_id);
    let many = |n: usize| vec![good.clone(); n];
    let with = |bad: Value| vec![good.clone(), good.clone(), bad, good.clone()];
    let foreign = target.new_user().new_image().await?;
    for (annotations, status, field) in [
        (vec![], 400, "annotations"),
        (many(501), 400, "annotations"),
        (with(new_annotation_with(&image_id, "label", json!(""))), 400, "annotations[2].label"),
        (with(new_annotation_with(&image_id, "x", json!("left"))), 400, "annotations[2].x"),
        (with(new_annotation_with(&image_id, "colour", json!("red"))), 400, "annotations[2].colour"),
        (with(new_annotation(&foreign)), 404, &foreign),
        (with(new_annotation(&"0".repeat(32))), 404, &"0".repeat(32)),
    ] {
        let rejected = user.post("/api/annotations/bulk", &json!({"annotations": annotations})).await?;
        ensure!(
            rejected.status == status && rejected.json.to_string().contains(field),
            "{field}: {rejected:?}"
        );
    }
    ensure!(count_annotations(&user, &image_id).await? == 0);
    Ok(())
}

/// Given an annotation, when some fields are patched, then only these fields and the etag change.
pub(super) async fn a_patch_changes_only_the_given_fields(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let mut sent = new_annotation(&user.new_image().await?);
    sent["confidence"] = json!(0.5);
    let created = user.post("/api/annotations", &sent).await?;
    let path = format!("/api/annotations/{}", created.text("/annotation/id"));

    let patched =
        user.patch(&path, &json!({"label": "bike", "etag": created.text("/annotation/etag")})).await?;
    ensure!(patched.status == 200 && patched.text("/annotation/label") == "bike", "{patched:?}");
    ensure!(patched.json["annotation"]["x"] == sent["x"], "{patched:?}");
    ensure!(patched.text("/annotation/etag") != created.text("/annotation/etag"), "{patched:?}");

    let cleared = user.patch(&path, &json!({"confidence": null})).await?;
    ensure!(cleared.status == 200 && cleared.json["annotation"].get("confidence").is_none(), "{cleared:?}");

    for body in
        [json!({"x": 0.9}), json!({"label": ""}), json!({"created_by": "eve"}), json!({"image_id": "1"})]
    {
        let rejected = user.patch(&path, &body).await?;
        ensure!(rejected.status == 400, "{body}: {rejected:?}");
    }
    ensure!(user.get(&path).await?.json == cleared.json);
    Ok(())
}

/// Given two users with the same annotation and etag, when both change it, then the second change is rejected with 409.
pub(super) async fn a_stale_etag_is_a_conflict(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let created = user.post("/api/annotations", &new_annotation(&user.new_image().await?)).await?;
    let path = format!("/api/annotations/{}", created.text("/annotation/id"));
    let etag = created.text("/annotation/etag");
    ensure!(user.patch(&path, &json!({"label": "first", "etag": etag})).await?.status == 200);

    let second = user.patch(&path, &json!({"label": "second", "etag": etag})).await?;
    ensure!(second.status == 409 && second.text("/code") == "ABORTED", "{second:?}");
    let by_header = user.request(reqwest::Method::DELETE, &path).header("if-match", created.header("etag"));
    let by_header = crate::HttpResponse::read(by_header.send().await?).await?;
    ensure!(by_header.status == 409, "{by_header:?}");
    ensure!(user.get(&path).await?.text("/annotation/label") == "first");
    Ok(())
}

/// Given an annotation, when it is deleted, then the response has it, and later calls respond 404.
pub(super) async fn a_deleted_annotation_is_not_found(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let created = user.post("/api/annotations", &new_annotation(&user.new_image().await?)).await?;
    let path = format!("/api/annotations/{}", created.text("/annotation/id"));
    let deleted = user.delete(&path).await?;
    ensure!(deleted.status == 200 && deleted.json == created.json, "{deleted:?}");
    for response in [user.get(&path).await?, user.delete(&path).await?] {
        ensure!(response.status == 404 && response.text("/error") == "Annotation not found", "{response:?}");
    }
    Ok(())
}
