//! Boxes over HTTP/JSON: create, bulk, get, update, delete.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::{Target, User};

/// A good box on that image.
pub(super) fn a_box(image_id: &str) -> Value {
    json!({"image_id": image_id, "label": "car", "x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4})
}

/// A good box with one field replaced.
fn a_box_with(image_id: &str, field: &str, value: Value) -> Value {
    let mut one = a_box(image_id);
    one[field] = value;
    one
}

/// How many boxes the image has.
pub(super) async fn count(user: &User, image_id: &str) -> anyhow::Result<usize> {
    let answer = user.get(&format!("/api/annotations/by-image/{image_id}")).await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(answer.json["annotations"].as_array().map_or(0, Vec::len))
}

/// Given an image, when a box is created, then every field comes back as it was sent, and is read back the same.
pub(super) async fn a_box_comes_back_as_it_was_drawn(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let mut drawn = a_box(&image_id);
    drawn["x"] = json!(0.100_000_000_000_000_02);
    drawn["confidence"] = json!(0.875);
    drawn["model"] = json!("detector 1.2");
    drawn["label"] = json!("Straßenbahn 🚋");
    let created = user.post("/api/annotations", &drawn).await?;
    ensure!(created.status == 201, "{created:?}");
    let annotation = &created.json["annotation"];
    for (field, value) in drawn.as_object().into_iter().flatten() {
        ensure!(&annotation[field] == value, "{field}: {annotation}");
    }
    ensure!(annotation["created_by"] == user.id.as_str(), "{annotation}");
    ensure!(created.header("etag") == format!("\"{}\"", created.text("/annotation/etag")), "{created:?}");
    let read = user.get(&format!("/api/annotations/{}", created.text("/annotation/id"))).await?;
    ensure!(read.status == 200 && read.json == created.json, "{read:?}");
    Ok(())
}

/// Given a box that a person drew, when it is read, then it has no confidence, and defaults are there.
pub(super) async fn a_persons_box_has_no_confidence(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let created = user.post("/api/annotations", &a_box(&user.new_image().await?)).await?;
    let annotation = &created.json["annotation"];
    ensure!(annotation.get("confidence").is_none() && annotation["model"] == "", "{annotation}");
    Ok(())
}

/// Given each rule, when one value breaks it, then the answer names the field and nothing is stored.
pub(super) async fn each_broken_rule_is_named_and_nothing_is_stored(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let broken = [
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
    for (field, value) in broken {
        let refused = user.post("/api/annotations", &a_box_with(&image_id, field, value.clone())).await?;
        ensure!(
            refused.status == 400 && refused.text("/code") == "INVALID_ARGUMENT",
            "{field}={value}: {refused:?}"
        );
        let named = refused.text("/error").starts_with(field);
        let details = refused.json["details"].to_string().contains(&format!("\"field\":\"{field}\""));
        ensure!(named && details, "{field}={value}: {refused:?}");
    }
    ensure!(count(&user, &image_id).await? == 0);
    Ok(())
}

/// Given values at the edges of the rules, when boxes have them, then they are stored.
pub(super) async fn values_at_the_edges_of_the_rules_are_stored(target: Target) -> anyhow::Result<()> {
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
        let mut one = a_box(&image_id);
        for (field, value) in edges.as_object().into_iter().flatten() {
            one[field] = value.clone();
        }
        let created = user.post("/api/annotations", &one).await?;
        ensure!(created.status == 201, "{edges}: {created:?}");
    }
    Ok(())
}

/// Given 500 boxes, when they are sent at once, then all are stored and their ids answer in order.
pub(super) async fn five_hundred_boxes_are_stored_at_once(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let boxes: Vec<_> =
        (0..500).map(|n| a_box_with(&image_id, "label", json!(format!("label {n}")))).collect();
    let created = user.post("/api/annotations/bulk", &json!({"annotations": boxes})).await?;
    ensure!(created.status == 201, "{created:?}");
    ensure!(created.json["inserted"] == 500 && created.json["total"] == 500, "{created:?}");
    let ids = created.json["ids"].as_array().cloned().unwrap_or_default();
    ensure!(ids.len() == 500 && ids.is_sorted_by_key(|id| id.as_str().map(str::to_owned)), "{created:?}");
    let last = user.get(&format!("/api/annotations/{}", created.text("/ids/499"))).await?;
    ensure!(last.text("/annotation/label") == "label 499", "{last:?}");
    ensure!(count(&user, &image_id).await? == 500);
    Ok(())
}

/// Given too few or too many boxes, or one bad box among good ones, when they are sent, then none is stored.
pub(super) async fn a_bulk_is_stored_whole_or_not_at_all(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let good = a_box(&image_id);
    let many = |n: usize| vec![good.clone(); n];
    let with = |bad: Value| vec![good.clone(), good.clone(), bad, good.clone()];
    let foreign = target.new_user().new_image().await?;
    for (boxes, status, field) in [
        (vec![], 400, "annotations"),
        (many(501), 400, "annotations"),
        (with(a_box_with(&image_id, "label", json!(""))), 400, "annotations[2].label"),
        (with(a_box_with(&image_id, "x", json!("left"))), 400, "annotations[2].x"),
        (with(a_box_with(&image_id, "colour", json!("red"))), 400, "annotations[2].colour"),
        (with(a_box(&foreign)), 404, &foreign),
        (with(a_box(&"0".repeat(32))), 404, &"0".repeat(32)),
    ] {
        let refused = user.post("/api/annotations/bulk", &json!({"annotations": boxes})).await?;
        ensure!(refused.status == status && refused.json.to_string().contains(field), "{field}: {refused:?}");
    }
    ensure!(count(&user, &image_id).await? == 0);
    Ok(())
}

/// Given a box, when some fields are patched, then only they change, and the etag with them.
pub(super) async fn a_patch_changes_what_it_names(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let mut drawn = a_box(&user.new_image().await?);
    drawn["confidence"] = json!(0.5);
    let created = user.post("/api/annotations", &drawn).await?;
    let path = format!("/api/annotations/{}", created.text("/annotation/id"));

    let patched =
        user.patch(&path, &json!({"label": "bike", "etag": created.text("/annotation/etag")})).await?;
    ensure!(patched.status == 200 && patched.text("/annotation/label") == "bike", "{patched:?}");
    ensure!(patched.json["annotation"]["x"] == drawn["x"], "{patched:?}");
    ensure!(patched.text("/annotation/etag") != created.text("/annotation/etag"), "{patched:?}");

    let cleared = user.patch(&path, &json!({"confidence": null})).await?;
    ensure!(cleared.status == 200 && cleared.json["annotation"].get("confidence").is_none(), "{cleared:?}");

    for body in
        [json!({"x": 0.9}), json!({"label": ""}), json!({"created_by": "eve"}), json!({"image_id": "1"})]
    {
        let refused = user.patch(&path, &body).await?;
        ensure!(refused.status == 400, "{body}: {refused:?}");
    }
    ensure!(user.get(&path).await?.json == cleared.json);
    Ok(())
}

/// Given two people with the same box, when both change it with its etag, then the second is told: 409.
pub(super) async fn a_stale_etag_is_a_conflict(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let created = user.post("/api/annotations", &a_box(&user.new_image().await?)).await?;
    let path = format!("/api/annotations/{}", created.text("/annotation/id"));
    let etag = created.text("/annotation/etag");
    ensure!(user.patch(&path, &json!({"label": "first", "etag": etag})).await?.status == 200);

    let second = user.patch(&path, &json!({"label": "second", "etag": etag})).await?;
    ensure!(second.status == 409 && second.text("/code") == "ABORTED", "{second:?}");
    let by_header = user.request(reqwest::Method::DELETE, &path).header("if-match", created.header("etag"));
    let by_header = crate::Answer::read(by_header.send().await?).await?;
    ensure!(by_header.status == 409, "{by_header:?}");
    ensure!(user.get(&path).await?.text("/annotation/label") == "first");
    Ok(())
}

/// Given a box, when it is deleted, then it is answered once more and is gone.
pub(super) async fn a_deleted_box_is_gone(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let created = user.post("/api/annotations", &a_box(&user.new_image().await?)).await?;
    let path = format!("/api/annotations/{}", created.text("/annotation/id"));
    let deleted = user.delete(&path).await?;
    ensure!(deleted.status == 200 && deleted.json == created.json, "{deleted:?}");
    for answer in [user.get(&path).await?, user.delete(&path).await?] {
        ensure!(answer.status == 404 && answer.text("/error") == "Annotation not found", "{answer:?}");
    }
    Ok(())
}
