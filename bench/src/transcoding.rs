//! Compares the CPU time of the gateway for transcoding a bulk body with the CPU time of the service for storing it.

use std::time::Duration;

use hyper::StatusCode;
use tests::Parts;

use crate::{
    bulk::{BATCH, bulk_create_request},
    connection::Http1,
    load, proc,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "transcoding";
const CALLERS: usize = 2;
const LENGTH: Duration = Duration::from_secs(5);

/// The figure is the CPU time of the gateway process divided by that of the annotations process, for the same calls.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let parts = Parts::start(&[]).await?;
    let user = parts.target().new_user();
    let create = bulk_create_request(&user, &user.new_image().await?)?;
    let connections = Http1::connect(parts.target().gateway, CALLERS).await?;
    connections[0].call(&create, StatusCode::CREATED).await?;

    let (gateway, annotations) = (parts.gateway.id()?, parts.annotations.id()?);
    let before = (proc::cpu_seconds(gateway)?, proc::cpu_seconds(annotations)?);
    let call = |caller: usize| connections[caller].call(&create, StatusCode::CREATED);
    let calls = load::calls_per_second(CALLERS, LENGTH, call).await? * LENGTH.as_secs_f64();
    let transcode = proc::cpu_seconds(gateway)? - before.0;
    let store = proc::cpu_seconds(annotations)? - before.1;

    let millis = |seconds: f64| seconds * 1000.0 / calls;
    let detail =
        format!("{:.2} of {:.2} ms CPU per call of {BATCH} annotations", millis(transcode), millis(store));
    Ok([Row {
        name: "transcoding a bulk body : storing it",
        figure: transcode / store,
        goal: Goal::AtMost(1.0),
        detail,
    }])
}
