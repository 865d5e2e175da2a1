//! Records of images: get, list, update, delete, undelete.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::{
    ImageFile, Target,
    fixtures::{count_annotations, new_annotation},
};

/// Given images, when all pages are listed, then they have the user's own images, each once, the newest first.
pub(super) async fn a_listing_has_the_users_own_images_newest_first(target: Target) -> anyhow::Result<()> {
    let (user, other) = (target.new_user(), target.new_user());
    other.new_image().await?;
    let mut uploaded = Vec::new();
    for _ in 0..5 {
        uploaded.push(user.new_image().await?);
    }
    let (mut listed, mut token) = (Vec::new(), String::new());
    loop {
        let page = user.get(&format!("/api/images?page_size=2&page_token={token}")).await?;
        ensure!(page.status == 200 && values(&page.json, "id").len() <= 2, "{page:?}");
        listed.extend(values(&page.json, "id"));
        token = page.text("/next_page_token").to_owned();
        if token.is_empty() {
            break;
        }
    }
    // Ids are time-ordered, so the newest image has the greatest id.
    uploaded.sort_by(|one, other| other.cmp(one));
    ensure!(listed == uploaded, "{listed:?}");
    Ok(())
}

/// Given filters, when a listing has them, then it returns only matching images.
pub(super) async fn a_listing_is_filtered_by_name_and_time(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    for name in ["one.png", "Two.png", "three.png"] {
        ensure!(user.upload(&ImageFile::png(8, 8), name).await?.status == 201);
    }
    for (query, expected) in [
        ("filename=tWo", vec!["Two.png"]),
        ("filename=t", vec!["Two.png", "three.png"]),
        ("filename=%25", vec![]),
        ("created_after=2000-01-01T00:00:00Z", vec!["Two.png", "one.png", "three.png"]),
        ("created_before=2000-01-01T00:00:00Z", vec![]),
    ] {
        let found = user.get(&format!("/api/images?{query}")).await?;
        let mut names = values(&found.json, "filename");
        names.sort_unstable();
        ensure!(names == expected, "{query}: {found:?}");
    }
    Ok(())
}

/// One field of each listed image.
fn values(response: &Value, field: &str) -> Vec<String> {
    let images = response["images"].as_array().into_iter().flatten();
    images.filter_map(|image| image[field].as_str().map(str::to_owned)).collect()
}

/// Given an image, when its name and metadata are patched, then only they change.
pub(super) async fn a_patch_changes_name_and_metadata(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let path = format!("/api/images/{}", user.new_image().await?);
    let before = user.get(&path).await?;
    let metadata = json!({"camera": {"name": "front", "height": 1.5}, "tags": ["a", null, true]});
    let patched = user.patch(&path, &json!({"filename": "renamed.png", "metadata": metadata})).await?;
    ensure!(patched.status == 200, "{patched:?}");
    let image = &patched.json["image"];
    ensure!(image["filename"] == "renamed.png" && image["metadata"] == metadata, "{image}");
    ensure!(image["sha256"] == before.json["image"]["sha256"], "{image}");

    let stale =
        user.patch(&path, &json!({"filename": "late.png", "etag": before.text("/image/etag")})).await?;
    ensure!(stale.status == 409 && stale.text("/code") == "ABORTED", "{stale:?}");
    for (body, field) in [
        (json!({"size_bytes": 1}), "size_bytes"),
        (json!({"filename": ""}), "filename"),
        (json!({"filename": "x".repeat(256)}), "filename"),
        (json!({"metadata": {"big": "x".repeat(17_000)}}), "metadata"),
        (json!({"color": 1}), "color"),
    ] {
        let rejected = user.patch(&path, &body).await?;
        ensure!(rejected.status == 400 && rejected.text("/error").contains(field), "{field}: {rejected:?}");
    }
    Ok(())
}

/// Given an image with annotations, when it is deleted, then both are hidden at once; undelete makes both visible again.
pub(super) async fn a_deleted_image_is_hidden_until_it_is_undeleted(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let id = user.new_image().await?;
    ensure!(user.post("/api/annotations", &new_annotation(&id)).await?.status == 201);
    let path = format!("/api/images/{id}");
    let deleted = user.delete(&path).await?;
    ensure!(deleted.status == 200 && !deleted.text("/image/deleted_at").is_empty(), "{deleted:?}");
    for hidden in [path.clone(), format!("{path}/content")] {
        let response = user.get(&hidden).await?;
        ensure!(
            response.status == 404 && response.text("/error") == "Image not found",
            "{hidden}: {response:?}"
        );
    }
    ensure!(user.delete(&path).await?.status == 404);
    ensure!(values(&user.get("/api/images").await?.json, "id").is_empty());
    ensure!(values(&user.get("/api/images?deleted=true").await?.json, "id") == [id.as_str()]);

    let back = user.post(&format!("{path}:undelete"), &json!({})).await?;
    ensure!(back.status == 200 && back.json["image"].get("deleted_at").is_none(), "{back:?}");
    ensure!(user.get(&path).await?.status == 200);
    ensure!(count_annotations(&user, &id).await? == 1);
    let again = user.post(&format!("{path}:undelete"), &json!({})).await?;
    ensure!(again.status == 409 && again.text("/code") == "ALREADY_EXISTS", "{again:?}");
    Ok(())
}

/// Given an invalid and an unknown id, when they are requested, then the responses are 400 and 404.
pub(super) async fn an_invalid_id_is_rejected_and_an_unknown_one_not_found(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    for id in ["1", "%2e%2e%2fetc", &"A".repeat(32), &"g".repeat(32)] {
        let response = user.get(&format!("/api/images/{id}")).await?;
        ensure!(response.status == 400 && response.text("/error").contains("image_id"), "{id}: {response:?}");
    }
    let unknown = user.get(&format!("/api/images/{}", "0".repeat(32))).await?;
    ensure!(unknown.status == 404 && unknown.text("/code") == "NOT_FOUND", "{unknown:?}");
    Ok(())
}
