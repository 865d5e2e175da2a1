//! Compares Reticle as Workers with one Worker in plain JavaScript that serves the same requests from the same database.

use std::{net::SocketAddr, time::Duration};

use hyper::StatusCode;
use tests::{User, Workers};

use crate::{
    bulk::{BATCH, bulk_create_request},
    connection::{Http1, Prepared, get},
    load::{self, median, median_ratio},
    peer::{self, FRONT_AND_PEER},
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "edge: bulk create, get image";
const LENGTH: Duration = Duration::from_secs(2);
/// How often the runtime is started. The speed differs by some percent from start to start, for all Workers alike.
const STARTS: usize = 4;
const ROUNDS: usize = 3;
const WRITERS: usize = 4;
const READERS: usize = 16;

/// Turns off features that only the simulator has: it would record every event of every Worker.
pub(crate) const SIMULATOR: [(&str, &str); 2] =
    [("X_LOCAL_OBSERVABILITY", "false"), ("X_LOCAL_EXPLORER", "false")];

/// Measures both in turn, in calls per second. The figures are the median ratios. All Workers share one runtime and so one
/// thread, and requests reach both over the same hops.
pub(crate) async fn measure() -> anyhow::Result<[Row; 2]> {
    let (mut creates, mut reads) = (Speeds::default(), Speeds::default());
    for _ in 0..STARTS {
        let workers = Workers::start_with(&FRONT_AND_PEER, &SIMULATOR).await?;
        let user = workers.as_ref().new_user();
        let image_id = user.new_image().await?;
        peer::require_same_responses(&user, &image_id).await?;
        let address = workers.as_ref().gateway;
        Load::creates(&user, &image_id)?.against_peer(address, &mut creates).await?;
        Load::reads(&user, &image_id)?.against_peer(address, &mut reads).await?;
    }
    let created = format!(
        "{:.0} of {:.0} rows/s, {WRITERS} callers, {BATCH} rows per call; the peer sends {BATCH} INSERTs in one batch",
        median(&creates.reticle) * BATCH as f64,
        median(&creates.peer) * BATCH as f64,
    );
    let read = format!(
        "{:.0} of {:.0} calls/s, {READERS} callers; Reticle's calls cross one more service binding",
        median(&reads.reticle),
        median(&reads.peer),
    );
    Ok([
        creates.row("edge: bulk create : plain JavaScript Worker", 3.0, created),
        reads.row("edge: get image : plain JavaScript Worker", 0.8, read),
    ])
}

/// The calls per second of Reticle (`reticle`) and of the peer (`peer`), for each round.
#[derive(Default)]
struct Speeds {
    reticle: Vec<f64>,
    peer: Vec<f64>,
}

impl Speeds {
    fn row(&self, name: &'static str, goal: f64, detail: String) -> Row {
        Row { name, figure: median_ratio(&self.reticle, &self.peer), goal: Goal::AtLeast(goal), detail }
    }
}

/// One request that several callers repeat, each on its own connection.
struct Load {
    callers: usize,
    request: Prepared,
    status: StatusCode,
}

impl Load {
    fn creates(user: &User, image_id: &str) -> anyhow::Result<Self> {
        let request = bulk_create_request(user, image_id)?;
        Ok(Self { callers: WRITERS, request, status: StatusCode::CREATED })
    }

    fn reads(user: &User, image_id: &str) -> anyhow::Result<Self> {
        let request = get(user, &format!("/api/images/{image_id}"))?;
        Ok(Self { callers: READERS, request, status: StatusCode::OK })
    }

    /// Adds to `speeds`. The first round does not count: the JavaScript engine still compiles.
    async fn against_peer(&self, address: SocketAddr, speeds: &mut Speeds) -> anyhow::Result<()> {
        let to_peer = peer::to_peer(&self.request);
        for round in 0..=ROUNDS {
            let connections = Http1::connect(address, self.callers).await?;
            let pair = [&self.request, &to_peer];
            let mut calls = Vec::with_capacity(pair.len());
            for request in pair {
                let call = |caller: usize| connections[caller].call(request, self.status);
                calls.push(load::calls_per_second(self.callers, LENGTH, call).await?);
            }
            if round > 0 {
                speeds.reticle.push(calls[0]);
                speeds.peer.push(calls[1]);
            }
        }
        Ok(())
    }
}
