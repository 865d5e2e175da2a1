//! Bulk creates of native services over the D1 bridge, against those of Workers with the binding.

use std::time::Duration;

use hyper::StatusCode;
use tests::{BRIDGE_SECRET, Bridge, Parts, Workers};

use crate::{
    bulk::{BATCH, create_boxes},
    connection::Http1,
    load::{self, median, middle_ratio},
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "bridge: bulk create";
const CALLERS: usize = 4;
const LENGTH: Duration = Duration::from_secs(3);
const ROUNDS: usize = 5;

/// Rows a second of both, in turn, and the middle of the rounds' ratios. Each has a runtime and a D1 of its own.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let bridge = Bridge::start().await?;
    let database_url = bridge.database_url();
    let variables =
        [("RETICLE_DATABASE_URL", database_url.as_str()), ("RETICLE_BRIDGE_SECRET", BRIDGE_SECRET)];
    let parts = Parts::start_with(&variables, &[]).await?;
    let simulator = [("X_LOCAL_OBSERVABILITY", "false"), ("X_LOCAL_EXPLORER", "false")];
    let workers = Workers::start_with(&[], &simulator).await?;
    let (mut ours, mut bound) = (Vec::new(), Vec::new());
    let (by_bridge, by_binding) = (parts.target().new_user(), workers.as_ref().new_user());
    let creates = [
        create_boxes(&by_bridge, &by_bridge.new_image().await?)?,
        create_boxes(&by_binding, &by_binding.new_image().await?)?,
    ];
    // The first round, in which the engines still compile, does not count.
    for round in 0..=ROUNDS {
        let mut rows = Vec::new();
        for (user, create) in [&by_bridge, &by_binding].into_iter().zip(&creates) {
            let connections = Http1::connect(user.target.gateway, CALLERS).await?;
            let call = |caller: usize| connections[caller].call(create, StatusCode::CREATED);
            rows.push(load::calls_a_second(CALLERS, LENGTH, call).await? * BATCH as f64);
        }
        if round > 0 {
            ours.push(rows[0]);
            bound.push(rows[1]);
        }
    }
    let detail = format!(
        "{:.0} of {:.0} rows/s, {CALLERS} callers over HTTP/1.1, {BATCH} a call; one batch over the bridge each",
        median(&ours),
        median(&bound)
    );
    let figure = middle_ratio(&ours, &bound);
    Ok([Row {
        name: "bridge: bulk create : Workers with the binding",
        figure,
        goal: Goal::AtLeast(0.7),
        detail,
    }])
}
