//! Reticle as Workers, against one Worker in plain JavaScript that answers the same requests from the same database.

use std::{net::SocketAddr, time::Duration};

use hyper::StatusCode;
use tests::{User, Workers};

use crate::{
    bulk::{BATCH, create_boxes},
    connection::{Http1, Prepared, get},
    load::{self, median, middle_ratio},
    peer::{self, FRONT_AND_PEER},
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "edge: bulk create, get image";
const LENGTH: Duration = Duration::from_secs(2);
/// How often the runtime is started: each start has a pace of its own, by some percent, whichever Worker answers.
const STARTS: usize = 4;
const ROUNDS: usize = 3;
const WRITERS: usize = 4;
const READERS: usize = 16;

/// Without what the simulator alone has: it would write down every event of every Worker.
const SIMULATOR: [(&str, &str); 2] = [("X_LOCAL_OBSERVABILITY", "false"), ("X_LOCAL_EXPLORER", "false")];

/// Calls a second of both, in turn, and the middle of the rounds' ratios. All Workers share one runtime, and so one
/// thread, and both are reached by the same hops.
pub(crate) async fn measure() -> anyhow::Result<[Row; 2]> {
    let (mut creates, mut reads) = (Pace::default(), Pace::default());
    for _ in 0..STARTS {
        let workers = Workers::start_with(&FRONT_AND_PEER, &SIMULATOR).await?;
        let user = workers.as_ref().new_user();
        let image_id = user.new_image().await?;
        peer::require_same_answers(&user, &image_id).await?;
        let address = workers.as_ref().gateway;
        Load::creates(&user, &image_id)?.against_peer(address, &mut creates).await?;
        Load::reads(&user, &image_id)?.against_peer(address, &mut reads).await?;
    }
    let created = format!(
        "{:.0} of {:.0} rows/s, {WRITERS} callers, {BATCH} a call; theirs are {BATCH} INSERTs in one batch",
        median(&creates.ours) * BATCH as f64,
        median(&creates.theirs) * BATCH as f64,
    );
    let answered = format!(
        "{:.0} of {:.0} calls/s, {READERS} callers; ours cross a service binding more",
        median(&reads.ours),
        median(&reads.theirs),
    );
    Ok([
        creates.row("edge: bulk create : plain JavaScript Worker", 3.0, created),
        reads.row("edge: get image : plain JavaScript Worker", 0.8, answered),
    ])
}

/// Calls a second of Reticle and of the peer, round by round.
#[derive(Default)]
struct Pace {
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

impl Pace {
    fn row(&self, name: &'static str, goal: f64, detail: String) -> Row {
        Row { name, figure: middle_ratio(&self.ours, &self.theirs), goal: Goal::AtLeast(goal), detail }
    }
}

/// One request, over and over, each caller on a connection of its own.
struct Load {
    callers: usize,
    request: Prepared,
    status: StatusCode,
}

impl Load {
    fn creates(user: &User, image_id: &str) -> anyhow::Result<Self> {
        let request = create_boxes(user, image_id)?;
        Ok(Self { callers: WRITERS, request, status: StatusCode::CREATED })
    }

    fn reads(user: &User, image_id: &str) -> anyhow::Result<Self> {
        let request = get(user, &format!("/api/images/{image_id}"))?;
        Ok(Self { callers: READERS, request, status: StatusCode::OK })
    }

    /// Adds to `pace`. The first round, in which the engine still compiles, does not count.
    async fn against_peer(&self, address: SocketAddr, pace: &mut Pace) -> anyhow::Result<()> {
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
                pace.ours.push(calls[0]);
                pace.theirs.push(calls[1]);
            }
        }
        Ok(())
    }
}
