//! Compares bulk creates over HTTP/JSON with a bare loop of prepared INSERTs.

use std::time::Duration;

use hyper::{StatusCode, body::Bytes};
use serde_json::json;
use tests::{Program, User};

use crate::{
    bare_loop::BareLoop,
    connection::{Http1, Prepared, post},
    load::{self, median, median_ratio},
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "bulk create";
/// The number of annotations in one call, and of rows in one commit of the bare loop.
pub(crate) const BATCH: usize = 500;
const CALLERS: usize = 4;
const LENGTH: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;

/// Measures both in turn, in rows per second. The figure is the median ratio.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let create = bulk_create_request(&user, &user.new_image().await?)?;
    let folder = tempfile::tempdir()?;
    let mut bare_loop = BareLoop::open(folder.path(), BATCH)?;
    let (mut reticle, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let connections = Http1::connect(program.target().gateway, CALLERS).await?;
        let call = |caller: usize| connections[caller].call(&create, StatusCode::CREATED);
        reticle.push(load::calls_per_second(CALLERS, LENGTH, call).await? * BATCH as f64);
        bare.push(tokio::task::block_in_place(|| bare_loop.rows_per_second(LENGTH))?);
    }
    let detail = format!(
        "{:.0} of {:.0} rows/s, {CALLERS} HTTP/1.1 callers, {BATCH} rows per call; the program may group commits, and has both cores",
        median(&reticle),
        median(&bare)
    );
    Ok([Row {
        name: "bulk create over HTTP/JSON : bare SQLite inserts",
        figure: median_ratio(&reticle, &bare),
        goal: Goal::AtLeast(0.5),
        detail,
    }])
}

/// The request that stores [`BATCH`] annotations on an image.
pub(crate) fn bulk_create_request(user: &User, image_id: &str) -> anyhow::Result<Prepared> {
    let one = |n: usize| {
        let offset = n as f64 / BATCH as f64 / 2.0;
        json!({"image_id": image_id, "label": format!("label {}", n % 20), "x": offset, "y": 0.123_456_789, "width": 0.25,
               "height": 0.1 + offset, "confidence": 0.75, "model": "detector 1.0"})
    };
    let body = json!({"annotations": (0..BATCH).map(one).collect::<Vec<_>>()});
    post(user, "/api/annotations/bulk", "application/json", Bytes::from(body.to_string()))
}
