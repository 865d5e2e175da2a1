//! From start to ready on an existing database.

use std::sync::Arc;

use tests::Program;

use crate::{
    load,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "start";
const ROUNDS: usize = 5;

/// The middle of some starts, in seconds.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let mut folder = Program::start(&[]).await?.kill().await?;
    let mut figures = Vec::new();
    for _ in 0..ROUNDS {
        let mut started = None;
        let start = async {
            started = Some(Program::start_on(Arc::clone(&folder), &[]).await?);
            Ok(())
        };
        figures.push(load::seconds(start).await?);
        if let Some(program) = started {
            folder = program.kill().await?;
        }
    }
    let figure = load::median(figures);
    let detail = format!("seconds until all ports listen, middle of {ROUNDS}");
    Ok([Row {
        name: "start to ready on an existing database, seconds",
        figure,
        goal: Goal::AtMost(0.2),
        detail,
    }])
}
