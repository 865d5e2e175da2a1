//! Listing one image's boxes with few and with very many others in the database.

use std::{path::Path, time::Duration};

use anyhow::ensure;
use tests::{Program, User};

use crate::{
    bulk::boxes,
    load,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "listing";
const FEW: u32 = 10_000;
const MANY: u32 = 5_000_000;
/// Boxes of each of the other images.
const AN_IMAGE: u32 = 500;
const LENGTH: Duration = Duration::from_secs(3);

/// Time of one listing with many rows over that with few.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let few = with_rows(FEW).await?;
    let many = with_rows(MANY).await?;
    let detail =
        format!("{:.2} of {:.2} ms for 500 boxes among {MANY} and {FEW}", 1000.0 / many, 1000.0 / few);
    Ok([Row {
        name: "listing an image : with few others",
        figure: few / many,
        goal: Goal::AtMost(1.3),
        detail,
    }])
}

/// Listings a second of an image with 500 boxes, in a database that has `rows` more.
async fn with_rows(rows: u32) -> anyhow::Result<f64> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let answer = user.post("/api/annotations/bulk", &boxes(&image_id)).await?;
    ensure!(answer.status == 201, "{answer:?}");
    let database = program.data_dir().join("reticle.db");
    tokio::task::spawn_blocking(move || fill(&database, rows)).await??;
    let path = format!("/api/annotations/by-image/{image_id}");
    load::calls_a_second(1, LENGTH, |_| list(&user, &path)).await
}

async fn list(user: &User, path: &str) -> anyhow::Result<()> {
    let answer = user.get(path).await?;
    ensure!(
        answer.json["annotations"].as_array().is_some_and(|boxes| boxes.len() == 500),
        "{}",
        answer.status
    );
    Ok(())
}

/// Adds images with [`AN_IMAGE`] boxes each, older and newer than any real one.
fn fill(database: &Path, rows: u32) -> anyhow::Result<()> {
    let mut database = rusqlite::Connection::open(database)?;
    database.busy_timeout(Duration::from_secs(60))?;
    let images = rows / AN_IMAGE;
    for first in (0..images).step_by(100) {
        let batch = database.transaction()?;
        for image in first..images.min(first + 100) {
            let image_id = format!("{:08x}{image:024x}", image.wrapping_mul(0x9e37_79b9));
            batch.prepare_cached(
                "INSERT INTO images VALUES (?1, 'a', ?1, 'image/png', 1, '', 1, 1, 1, 'others', 1, 1, NULL, '{}', 1)",
            )?.execute([&image_id])?;
            let mut insert = batch.prepare_cached(
                "INSERT INTO annotations VALUES (?1, ?2, 'car', 0.1, 0.2, 0.3, 0.4, 0.5, 'm', 'others', 1, 1, 1)",
            )?;
            for n in 0..AN_IMAGE {
                insert.execute([&image_id, &format!("{image:016x}{n:016x}")])?;
            }
        }
        batch.commit()?;
    }
    Ok(())
}
