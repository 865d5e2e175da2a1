//! Web pages in Chromium, which enforces what they may call and read.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::{process::Command, time::timeout};

use super::{
    clients::{annotated_image, file},
    watch,
};
use crate::{
    ALLOWED_ORIGIN, Proxy, Target,
    tools::{output, third_party_tools},
};

/// Given Chromium, when a page of the allowed origin calls by gRPC-web and by `fetch`, then all calls succeed and the console
/// is empty; a page of another origin can read nothing.
pub(super) async fn only_pages_of_an_allowed_origin_can_use_the_api(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = annotated_image(&user).await?;
    let descriptors = tempfile::NamedTempFile::new()?;
    std::fs::write(&descriptors, proto::FILE_DESCRIPTOR_SET)?;
    let mut node = Command::new("node");
    node.arg(file("node/browser.mjs"))
        .args([&target.url(""), &user.token, &image_id])
        .arg(descriptors.path())
        .arg(ALLOWED_ORIGIN)
        .env("RETICLE_TEST_TOOLS", third_party_tools()?);
    let printed = output(node).await?;
    ensure!(printed.contains("all page checks passed"), "{printed}");
    Ok(())
}

/// Given Chromium, when a page watches an image with the TypeScript client, and the connection is closed again and again during
/// hundreds of changes, then the page ends in the same state as the server, and receives no change twice.
pub(super) async fn a_disconnected_page_receives_each_change_once(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = annotated_image(&user).await?;
    let proxy = Proxy::start(target.gateway).await?;
    let mut node = Command::new("node");
    node.arg(file("node/watch.mjs"))
        .args([&format!("http://{}", proxy.address()), &user.token, &image_id, ALLOWED_ORIGIN, watch::LAST])
        .env("RETICLE_TEST_TOOLS", third_party_tools()?);
    let cutting = async {
        loop {
            // Waits for a fixed time, so that cuts happen at arbitrary moments.
            drop(timeout(Duration::from_millis(150), std::future::pending::<()>()).await);
            proxy.cut();
        }
    };
    let watched = async {
        let changes = watch::make_changes(user.clone(), image_id.clone());
        let ((), printed) = tokio::try_join!(changes, output(node))?;
        anyhow::Ok(printed)
    };
    let printed = tokio::select! {
        printed = watched => printed?,
        () = cutting => unreachable!("the loop has no end"),
    };
    let received: BTreeMap<String, String> = serde_json::from_str(printed.trim())?;
    let listed = user.get(&format!("/api/annotations/by-image/{image_id}")).await?;
    let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let annotations = listed.json["annotations"].as_array().context("no list")?;
    let expected: BTreeMap<_, _> =
        annotations.iter().map(|one| (text(one, "id"), text(one, "etag"))).collect();
    ensure!(received == expected, "received {received:?}, listed {expected:?}");
    Ok(())
}
