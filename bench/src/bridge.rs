//! Compares bulk creates of native services over the D1 bridge with bulk creates of Workers that have the D1 binding.

use std::time::Duration;

use hyper::StatusCode;
use tests::{BRIDGE_SECRET, Bridge, Parts, Workers};

use crate::{
    bulk::{BATCH, bulk_create_request},
    connection::Http1,
    edge::SIMULATOR,
    load::{self, median, median_ratio},
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "bridge: bulk create";
const CALLERS: usize = 4;
const LENGTH: Duration = Duration::from_secs(3);
const ROUNDS: usize = 5;

/// Measures both in turn, in rows per second. The figure is the median ratio. Each has its own runtime and D1.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let bridge = Bridge::start().await?;
    let database_url = bridge.database_url();
    let variables =
        [("RETICLE_DATABASE_URL", database_url.as_str()), ("RETICLE_BRIDGE_SECRET", BRIDGE_SECRET)];
    let parts = Parts::start_with(&variables, &[]).await?;
    let workers = Workers::start_with(&[], &SIMULATOR).await?;
    let (mut over_bridge, mut over_binding) = (Vec::new(), Vec::new());
    let (bridge_user, binding_user) = (parts.target().new_user(), workers.as_ref().new_user());
    let creates = [
        bulk_create_request(&bridge_user, &bridge_user.new_image().await?)?,
        bulk_create_request(&binding_user, &binding_user.new_image().await?)?,
    ];
    // The first round does not count: the JavaScript engines still compile.
    for round in 0..=ROUNDS {
        let mut rows = Vec::new();
        for (user, create) in [&bridge_user, &binding_user].into_iter().zip(&creates) {
            let connections = Http1::connect(user.target.gateway, CALLERS).await?;
            let call = |caller: usize| connections[caller].call(create, StatusCode::CREATED);
            rows.push(load::calls_per_second(CALLERS, LENGTH, call).await? * BATCH as f64);
        }
        if round > 0 {
            over_bridge.push(rows[0]);
            over_binding.push(rows[1]);
        }
    }
    let detail = format!(
        "{:.0} of {:.0} rows/s, {CALLERS} callers over HTTP/1.1, {BATCH} rows per call; one batch over the bridge per call",
        median(&over_bridge),
        median(&over_binding)
    );
    let figure = median_ratio(&over_bridge, &over_binding);
    Ok([Row {
        name: "bulk create over the D1 bridge : Workers with the binding",
        figure,
        goal: Goal::AtLeast(0.7),
        detail,
    }])
}
