//! Annotations for tests, and what is stored.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, ensure};
use proto::annotations::v1 as pb;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::User;

/// A valid annotation on this image, as JSON.
#[must_use]
pub fn new_annotation(image_id: &str) -> Value {
    json!({"image_id": image_id, "label": "car", "x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4})
}

/// The annotation at an offset of a producer's stream. Its label has the producer and the offset.
#[must_use]
pub fn numbered_annotation(image_id: &str, producer: usize, offset: i64) -> pb::NewAnnotation {
    let (image_id, label) = (image_id.to_owned(), format!("{producer} {offset}"));
    pb::NewAnnotation { image_id, label, width: 0.5, height: 0.5, ..Default::default() }
}

/// How often each label is stored on the image.
///
/// # Errors
/// The annotations cannot be listed.
pub async fn count_labels(user: &User, image_id: &str) -> anyhow::Result<BTreeMap<String, usize>> {
    let (mut labels, mut token) = (BTreeMap::new(), String::new());
    loop {
        let page = user.get(&format!("/api/annotations/by-image/{image_id}?page_token={token}")).await?;
        let annotations =
            page.json["annotations"].as_array().with_context(|| format!("no list in {page:?}"))?;
        for annotation in annotations {
            *labels.entry(annotation["label"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        page.text("/next_page_token").clone_into(&mut token);
        if token.is_empty() {
            return Ok(labels);
        }
    }
}

/// How many annotations the first page of the image's list has.
pub(crate) async fn count_annotations(user: &User, image_id: &str) -> anyhow::Result<usize> {
    count(user, &format!("/api/annotations/by-image/{image_id}"), "annotations").await
}

/// How many images the first page of the user's list has.
pub(crate) async fn count_images(user: &User) -> anyhow::Result<usize> {
    count(user, "/api/images", "images").await
}

async fn count(user: &User, path: &str, list: &str) -> anyhow::Result<usize> {
    let response = user.get(path).await?;
    ensure!(response.status == 200, "{response:?}");
    Ok(response.json[list].as_array().with_context(|| format!("no list in {response:?}"))?.len())
}

/// Reads the body of an endless response up to the first chunk after which it contains `end`.
///
/// # Errors
/// The response ends, or the next chunk takes longer than `max_wait`.
pub async fn read_until(
    response: &mut reqwest::Response,
    end: &str,
    max_wait: Duration,
) -> anyhow::Result<Vec<u8>> {
    let mut seen = Vec::new();
    while !seen.windows(end.len()).any(|window| window == end.as_bytes()) {
        let chunk =
            timeout(max_wait, response.chunk()).await.context("no data within the maximum wait")??;
        seen.extend(chunk.context("the response ended")?);
    }
    Ok(seen)
}
