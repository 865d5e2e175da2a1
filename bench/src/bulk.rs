//! Bulk create over HTTP/JSON, against a bare loop of prepared INSERTs.

use std::time::Duration;

use hyper::{StatusCode, body::Bytes};
use serde_json::json;
use tests::{Program, User};

use crate::{
    bare_loop::BareLoop,
    connection::{Http1, Prepared, post},
    load::{self, median, middle_ratio},
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "bulk create";
/// Boxes of one call and rows of one commit.
pub(crate) const BATCH: usize = 500;
const CALLERS: usize = 4;
const LENGTH: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;

/// Rows a second of both, in turn, and the middle of the rounds' ratios.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let create = create_boxes(&user, &user.new_image().await?)?;
    let folder = tempfile::tempdir()?;
    let mut bare_loop = BareLoop::open(folder.path(), BATCH)?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let connections = Http1::connect(program.target().gateway, CALLERS).await?;
        let call = |caller: usize| connections[caller].call(&create, StatusCode::CREATED);
        ours.push(load::calls_a_second(CALLERS, LENGTH, call).await? * BATCH as f64);
        bare.push(tokio::task::block_in_place(|| bare_loop.rows_a_second(LENGTH))?);
    }
    let detail = format!(
        "{:.0} of {:.0} rows/s, {CALLERS} callers over HTTP/1.1, {BATCH} a call; the program may share commits and has both cores",
        median(&ours),
        median(&bare)
    );
    Ok([Row {
        name: "bulk create over HTTP/JSON : bare SQLite inserts",
        figure: middle_ratio(&ours, &bare),
        goal: Goal::AtLeast(0.5),
        detail,
    }])
}

/// The request that stores [`BATCH`] boxes on an image.
pub(crate) fn create_boxes(user: &User, image_id: &str) -> anyhow::Result<Prepared> {
    let one = |n: usize| {
        let place = n as f64 / BATCH as f64 / 2.0;
        json!({"image_id": image_id, "label": format!("label {}", n % 20), "x": place, "y": 0.123_456_789, "width": 0.25,
               "height": 0.1 + place, "confidence": 0.75, "model": "detector 1.0"})
    };
    let body = json!({"annotations": (0..BATCH).map(one).collect::<Vec<_>>()});
    post(user, "/api/annotations/bulk", "application/json", Bytes::from(body.to_string()))
}
