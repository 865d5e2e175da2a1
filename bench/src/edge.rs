//! Reticle as Workers, against one Worker in plain JavaScript that answers the same requests from the same database.

use std::{net::SocketAddr, time::Duration};

use hyper::StatusCode;
use tests::Workers;

use crate::{
    bulk::{BATCH, create_boxes},
    connection::{Http1, Prepared, get},
    load::{self, median, middle_ratio},
    peer::{self, FRONT_AND_PEER},
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "edge: bulk create, get image";
const LENGTH: Duration = Duration::from_secs(3);
const ROUNDS: usize = 7;

/// Without what the simulator alone has: it would write down every event of every Worker.
const SIMULATOR: [(&str, &str); 2] = [("X_LOCAL_OBSERVABILITY", "false"), ("X_LOCAL_EXPLORER", "false")];

/// Calls a second of both, in turn, and the middle of the rounds' ratios. All Workers share one runtime, and so one
/// thread, and both are reached by the same hops.
pub(crate) async fn measure() -> anyhow::Result<[Row; 2]> {
    let workers = Workers::start_with(&FRONT_AND_PEER, &SIMULATOR).await?;
    let user = workers.as_ref().new_user();
    let image_id = user.new_image().await?;
    peer::require_same_answers(&user, &image_id).await?;

    let address = workers.as_ref().gateway;
    let create = Load { callers: 4, request: create_boxes(&user, &image_id)?, status: StatusCode::CREATED };
    let read = Load {
        callers: 16,
        request: get(&user, &format!("/api/images/{image_id}"))?,
        status: StatusCode::OK,
    };
    let (ours, theirs) = create.against_peer(address).await?;
    let rows = |calls: &[f64]| median(calls) * BATCH as f64;
    let created = format!(
        "{:.0} of {:.0} rows/s, {} callers, {BATCH} a call; theirs are {BATCH} INSERTs in one batch",
        rows(&ours),
        rows(&theirs),
        create.callers
    );
    let bulk = row("edge: bulk create : plain JavaScript Worker", &ours, &theirs, 3.0, created);
    let (ours, theirs) = read.against_peer(address).await?;
    let answered = format!(
        "{:.0} of {:.0} calls/s, {} callers; ours cross a service binding more",
        median(&ours),
        median(&theirs),
        read.callers
    );
    Ok([bulk, row("edge: get image : plain JavaScript Worker", &ours, &theirs, 0.8, answered)])
}

fn row(name: &'static str, ours: &[f64], theirs: &[f64], goal: f64, detail: String) -> Row {
    Row { name, figure: middle_ratio(ours, theirs), goal: Goal::AtLeast(goal), detail }
}

/// One request, over and over, each caller on a connection of its own.
struct Load {
    callers: usize,
    request: Prepared,
    status: StatusCode,
}

impl Load {
    /// Calls a second of Reticle and of the peer, round by round. The first round, in which the engine still compiles,
    /// does not count.
    async fn against_peer(&self, address: SocketAddr) -> anyhow::Result<(Vec<f64>, Vec<f64>)> {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        let to_peer = peer::to_peer(&self.request);
        for round in 0..=ROUNDS {
            let connections = Http1::connect(address, self.callers).await?;
            let pair = [&self.request, &to_peer];
            let mut calls = Vec::with_capacity(pair.len());
            for request in pair {
                let call = |caller: usize| connections[caller].call(request, self.status);
                calls.push(load::calls_a_second(self.callers, LENGTH, call).await?);
            }
            if round > 0 {
                ours.push(calls[0]);
                theirs.push(calls[1]);
            }
        }
        Ok((ours, theirs))
    }
}
