//! Compares listing one image's annotations in a large database with the same in a small one.

use std::{path::Path, time::Duration};

use ::tests::Program;
use anyhow::ensure;
use hyper::StatusCode;

use crate::{
    bare_loop::INSERT_IMAGE,
    bulk::{BATCH, bulk_create_request},
    connection::{Http1, Prepared, get},
    load::{self, median, median_ratio},
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "listing";
const FEW: u32 = 10_000;
const MANY: u32 = 5_000_000;
/// The number of annotations on each of the other images.
const PER_IMAGE: u32 = 500;
const LENGTH: Duration = Duration::from_secs(1);
const ROUNDS: usize = 5;

/// Measures both in turn. The figure is the time of a listing among [`MANY`] annotations divided by the time among [`FEW`].
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let (few, many) = (Listing::among(FEW).await?, Listing::among(MANY).await?);
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_few.push(few.listings_per_second().await?);
        of_many.push(many.listings_per_second().await?);
    }
    let detail = format!(
        "{:.2} of {:.2} ms for {BATCH} annotations over HTTP/JSON, among {MANY} and {FEW} others",
        1000.0 / median(&of_many),
        1000.0 / median(&of_few)
    );
    Ok([Row {
        name: "listing an image among many : among few",
        figure: median_ratio(&of_few, &of_many),
        goal: Goal::AtMost(1.3),
        detail,
    }])
}

/// An image with [`BATCH`] annotations, in its own database.
struct Listing {
    program: Program,
    request: Prepared,
}

impl Listing {
    async fn among(others: u32) -> anyhow::Result<Self> {
        let program = Program::start(&[]).await?;
        let user = program.target().new_user();
        let image_id = user.new_image().await?;
        let connection = &Http1::connect(program.target().gateway, 1).await?[0];
        connection.call(&bulk_create_request(&user, &image_id)?, StatusCode::CREATED).await?;
        tokio::task::block_in_place(|| fill(&program.data_dir().join("reticle.db"), others))?;
        let path = format!("/api/annotations/by-image/{image_id}");
        let response = user.get(&path).await?;
        let annotations = response.json["annotations"].as_array().map_or(0, Vec::len);
        ensure!(annotations == BATCH, "{annotations} annotations instead of {BATCH} in {response:?}");
        Ok(Self { program, request: get(&user, &path)? })
    }

    async fn listings_per_second(&self) -> anyhow::Result<f64> {
        let connection = &Http1::connect(self.program.target().gateway, 1).await?[0];
        load::calls_per_second(1, LENGTH, |_| connection.call(&self.request, StatusCode::OK)).await
    }
}

/// Adds images with [`PER_IMAGE`] annotations each. Some of their ids sort before all real ids, and some after.
fn fill(database: &Path, annotations: u32) -> anyhow::Result<()> {
    let mut database = rusqlite::Connection::open(database)?;
    database.busy_timeout(Duration::from_secs(60))?;
    // Key order and no disk syncs: millions of rows take seconds.
    database
        .execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -256000;")?;
    let images = u128::from(annotations / PER_IMAGE);
    let fill = database.transaction()?;
    for image in 0..images {
        let image_id = format!("{:032x}", u128::MAX / images * image);
        fill.prepare_cached(INSERT_IMAGE)?.execute([&image_id])?;
        let mut insert = fill.prepare_cached(
            "INSERT INTO annotations (image_id, id, label, x, y, width, height, confidence, model, created_by, created_at,
                updated_at, revision)
            VALUES (?1, ?2, 'car', 0.1, 0.2, 0.3, 0.4, 0.5, 'm', 'others', 1, 1, 1)",
        )?;
        for n in 0..PER_IMAGE {
            insert.execute([&image_id, &format!("{image:016x}{n:016x}")])?;
        }
    }
    fill.commit()?;
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Given a database with the schema of this program, when it is filled, then it has the images and their annotations.
    #[tokio::test]
    async fn a_database_of_this_program_can_be_filled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reticle.db");
        storage_native::sqlite::migrate(&path).await.unwrap();

        fill(&path, 2 * PER_IMAGE).unwrap();

        let count = "SELECT (SELECT count(*) FROM images), (SELECT count(*) FROM annotations)";
        let counts = |row: &rusqlite::Row<'_>| Ok([row.get(0)?, row.get(1)?]);
        let counts: [u32; 2] =
            rusqlite::Connection::open(&path).unwrap().query_row(count, [], counts).unwrap();
        assert_eq!(counts, [2, 2 * PER_IMAGE]);
    }
}
