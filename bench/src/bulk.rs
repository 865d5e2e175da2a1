//! Bulk create over HTTP/JSON, against a bare loop of prepared INSERTs.

use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};
use tests::{Program, User};

use crate::{
    load,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "bulk create";
/// Boxes of one call and rows of one commit.
const BATCH: usize = 500;
const CALLERS: usize = 4;
const LENGTH: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;

/// Rows a second of both, in turn, and their ratio by the middle round.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let body = boxes(&image_id);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(load::calls_a_second(CALLERS, LENGTH, |_| create(&user, &body)).await?);
        bare.push(tokio::task::spawn_blocking(bare_loop).await??);
    }
    let batch = BATCH as f64;
    let (ours, bare) = (load::median(ours) * batch, load::median(bare) * batch);
    let detail = format!("{ours:.0} of {bare:.0} rows/s, {CALLERS} callers, {BATCH} a call and a commit");
    Ok([Row {
        name: "bulk create over HTTP/JSON : bare SQLite inserts",
        figure: ours / bare,
        goal: Goal::AtLeast(0.5),
        detail,
    }])
}

/// The body of one call.
pub(crate) fn boxes(image_id: &str) -> Value {
    let one = |n: usize| {
        let place = n as f64 / BATCH as f64 / 2.0;
        json!({"image_id": image_id, "label": format!("label {}", n % 20), "x": place, "y": 0.123_456_789, "width": 0.25,
               "height": 0.1 + place, "confidence": 0.75, "model": "detector 1.0"})
    };
    json!({"annotations": (0..BATCH).map(one).collect::<Vec<_>>()})
}

async fn create(user: &User, body: &Value) -> anyhow::Result<()> {
    let answer = user.post("/api/annotations/bulk", body).await?;
    ensure!(answer.status == 201, "{answer:?}");
    Ok(())
}

/// Commits of [`BATCH`] rows a second by a loop that does nothing else: the same schema, settings and file system.
fn bare_loop() -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let database = rusqlite::Connection::open(folder.path().join("bare.db"))?;
    database
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    database.execute_batch(include_str!("../../migrations/0001_images.sql"))?;
    database.execute_batch(include_str!("../../migrations/0002_annotations.sql"))?;
    let image_id = "01234567890123456789012345678901";
    database.execute(
        "INSERT INTO images VALUES (?1, 'a', 'a', 'image/png', 1, '', 1, 1, 1, 'u', 1, 1, NULL, '{}', 1)",
        [image_id],
    )?;
    let mut insert =
        database.prepare("INSERT INTO annotations VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)")?;
    let (start, mut commits) = (std::time::Instant::now(), 0_u32);
    while start.elapsed() < LENGTH {
        database.execute_batch("BEGIN IMMEDIATE")?;
        for n in 0..BATCH {
            let id = format!("{commits:016x}{n:016x}");
            let place = n as f64 / BATCH as f64 / 2.0;
            let label = format!("label {}", n % 20);
            insert.execute(rusqlite::params![
                image_id,
                id,
                label,
                place,
                0.123_456_789,
                0.25,
                0.1 + place,
                0.75,
                "detector 1.0",
                "user",
                1,
                1,
                1
            ])?;
        }
        database.execute_batch("COMMIT")?;
        commits += 1;
    }
    Ok(f64::from(commits) / start.elapsed().as_secs_f64())
}
