//! Pages in Chromium, which decides what they may call and read.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use tokio::{process::Command, time::timeout};

use super::{
    clients::{file, image_with_a_box},
    watch,
};
use crate::{
    ALLOWED_ORIGIN, Proxy, Target,
    tools::{foreign_programs, output},
};

/// Given Chromium, when a page of the allowed origin calls by gRPC-web and by `fetch`, then all of it works and the console
/// is silent; a page of another origin may read nothing.
pub(super) async fn pages_of_an_allowed_origin_use_everything_and_others_read_nothing(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = image_with_a_box(&user).await?;
    let descriptors = tempfile::NamedTempFile::new()?;
    std::fs::write(&descriptors, proto::FILE_DESCRIPTOR_SET)?;
    let mut node = Command::new("node");
    node.arg(file("node/browser.mjs"))
        .args([&target.url(""), &user.token, &image_id])
        .arg(descriptors.path())
        .arg(ALLOWED_ORIGIN)
        .env("RETICLE_TEST_TOOLS", foreign_programs()?);
    let printed = output(node).await?;
    ensure!(printed.contains("the pages got what is theirs"), "{printed}");
    Ok(())
}

/// Given Chromium, when a page watches an image by the TypeScript client, on a line that is cut again and again while
/// hundreds of changes happen, then it knows in the end what the server knows, and was told nothing twice.
pub(super) async fn a_page_that_is_cut_off_misses_nothing_and_hears_nothing_twice(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = image_with_a_box(&user).await?;
    let proxy = Proxy::start(target.gateway).await?;
    let mut node = Command::new("node");
    node.arg(file("node/watch.mjs"))
        .args([&format!("http://{}", proxy.address()), &user.token, &image_id, ALLOWED_ORIGIN, watch::LAST])
        .env("RETICLE_TEST_TOOLS", foreign_programs()?);
    let cutting = async {
        loop {
            // Not waiting for anything in particular: cuts are to come at any moment.
            drop(timeout(Duration::from_millis(150), std::future::pending::<()>()).await);
            proxy.cut();
        }
    };
    let watched = async {
        let changes = watch::change(user.clone(), image_id.clone());
        let ((), printed) = tokio::try_join!(changes, output(node))?;
        anyhow::Ok(printed)
    };
    let printed = tokio::select! {
        printed = watched => printed?,
        () = cutting => unreachable!("it goes on for ever"),
    };
    let told: BTreeMap<String, String> = serde_json::from_str(printed.trim())?;
    let listed = user.get(&format!("/api/annotations/by-image/{image_id}")).await?;
    let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let boxes = listed.json["annotations"].as_array().context("no list")?;
    let known: BTreeMap<_, _> = boxes.iter().map(|one| (text(one, "id"), text(one, "etag"))).collect();
    ensure!(told == known, "told {told:?}, listed {known:?}");
    Ok(())
}
