//! Measures the time from start to ready on an existing database.

use std::{sync::Arc, time::Instant};

use hyper::StatusCode;
use tests::Program;

use crate::{
    bulk::bulk_create_request,
    connection::{Http1, get},
    load::median,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "start";
const ROUNDS: usize = 9;
/// The number of bulk creates that fill the database first.
const CALLS: usize = 20;

/// The median of [`ROUNDS`] starts, in seconds.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let mut program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let create = bulk_create_request(&user, &user.new_image().await?)?;
    let connections = Http1::connect(program.target().gateway, 1).await?;
    for _ in 0..CALLS {
        connections[0].call(&create, StatusCode::CREATED).await?;
    }
    let mut figures = Vec::new();
    for _ in 0..ROUNDS {
        let folder = program.kill().await?;
        let start = Instant::now();
        program = Program::start_on(Arc::clone(&folder), &[]).await?;
        let ready = get(&program.target().new_user(), "/readyz")?;
        Http1::connect(program.target().gateway, 1).await?[0].call(&ready, StatusCode::OK).await?;
        figures.push(start.elapsed().as_secs_f64());
    }
    Ok([Row {
        name: "start to ready on an existing database, seconds",
        figure: median(&figures),
        goal: Goal::AtMost(0.2),
        detail: format!("from exec, after kill -9, until /readyz responds 200; median of {ROUNDS}"),
    }])
}
