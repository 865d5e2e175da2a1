//! `kill -9` at any moment: acknowledged writes are durable, and no write is partial.
#![expect(clippy::indexing_slicing, reason = "a response that lacks a field fails its test")]

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{ImageFile, Program, User, fixtures::new_annotation};
use tokio::time::timeout;

/// The number of kills.
const KILLS: u64 = 6;
/// The number of annotations in one call.
const BATCH: usize = 200;
const WRITERS: usize = 4;

/// The ids that the program acknowledged to a writer.
#[derive(Default)]
struct Acknowledged {
    images: Vec<String>,
    annotations: Vec<String>,
}

/// Given writers, when the program is killed again and again, then every acknowledged write is there after each restart.
#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_writes_survive_a_kill_and_no_batch_is_partial() -> anyhow::Result<()> {
    let mut folder = Arc::new(TempDir::new()?);
    let mut all = Acknowledged::default();
    let mut image_id = String::new();
    for round in 0..KILLS {
        let program = Program::start_on(folder, &[]).await?;
        let user = owner(&program);
        if round == 0 {
            image_id = user.new_image().await?;
        }
        check(&user, &image_id, &all).await?;
        let writers = join_all((0..WRITERS).map(|_| write_until_killed(&user, &image_id)));
        let killer = async {
            // Waits for a different time in each round, to vary the moment of the kill.
            drop(timeout(Duration::from_millis(150 + 97 * round), std::future::pending::<()>()).await);
            program.kill().await
        };
        let (written, killed) = tokio::join!(writers, killer);
        folder = killed?;
        for one in written {
            all.images.extend(one.images);
            all.annotations.extend(one.annotations);
        }
    }
    ensure!(!all.annotations.is_empty() && !all.images.is_empty(), "no write was acknowledged");
    let program = Program::start_on(folder, &[]).await?;
    check(&owner(&program), &image_id, &all).await
}

/// The same user in every round.
fn owner(program: &Program) -> User {
    program.target().user("owner")
}

/// Writes images and batches of annotations until the program stops.
async fn write_until_killed(user: &User, image_id: &str) -> Acknowledged {
    let batch = json!({"annotations": vec![new_annotation(image_id); BATCH]});
    let mut done = Acknowledged::default();
    loop {
        let Ok(stored) = user.post("/api/annotations/bulk", &batch).await else { return done };
        let ids = stored.json["ids"].as_array().into_iter().flatten().filter_map(Value::as_str);
        done.annotations.extend(ids.map(str::to_owned));
        let Ok(stored) = user.upload(&ImageFile::png(20, 20), "a.png").await else { return done };
        done.images.extend(stored.json.pointer("/image/id").and_then(Value::as_str).map(str::to_owned));
    }
}

async fn check(user: &User, image_id: &str, all: &Acknowledged) -> anyhow::Result<()> {
    let stored = ids(user, &format!("/api/annotations/by-image/{image_id}"), "annotations").await?;
    ensure!(stored.len() % BATCH == 0, "a batch is stored in part: {} annotations", stored.len());
    let lost = all.annotations.iter().filter(|id| stored.binary_search(id).is_err()).count();
    ensure!(lost == 0, "{lost} of {} acknowledged annotations are lost", all.annotations.len());
    let images = ids(user, "/api/images", "images").await?;
    let lost = all.images.iter().filter(|id| images.binary_search(id).is_err()).count();
    ensure!(lost == 0, "{lost} of {} acknowledged images are lost", all.images.len());
    for id in images {
        let content = user.get(&format!("/api/images/{id}/content")).await?;
        ensure!(content.status == 200, "an image has no bytes: {content:?}");
    }
    Ok(())
}

/// All ids of a listing, sorted.
async fn ids(user: &User, path: &str, list: &str) -> anyhow::Result<Vec<String>> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let page = user.get(&format!("{path}?page_size=1000&page_token={token}")).await?;
        let items = page.json[list].as_array().with_context(|| format!("no list in {page:?}"))?;
        all.extend(items.iter().filter_map(|item| item["id"].as_str()).map(str::to_owned));
        token = page.text("/next_page_token").to_owned();
        if token.is_empty() {
            all.sort_unstable();
            return Ok(all);
        }
    }
}
