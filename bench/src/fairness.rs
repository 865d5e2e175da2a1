//! Measures the effect of one user's load on another: the latency of a create while another user appends continuously.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use anyhow::{bail, ensure};
use futures_util::future::try_join_all;
use proto::annotations::v1::AppendAnnotationsRequest;
use serde_json::json;
use tests::{Program, Protocol, User, grpc};
use tokio::runtime::Builder;

use crate::{
    ingest::new_annotation,
    load::{median, percentile},
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "fairness";
const APPENDERS: usize = 8;
const CREATES: usize = 200;
const ROUNDS: usize = 3;

/// The rows of the table, and the number of annotations in one append.
const BATCHES: [(&str, usize); 2] = [
    ("create while another appends 8 × 1,000 : create when idle", 1_000),
    ("create while another appends 8 × 5,000 : create when idle", 5_000),
];

/// The figures are the medians of the rounds' ratios of median latencies.
pub(crate) async fn measure() -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (name, batch) in BATCHES {
        let program = Program::start(&[]).await?;
        let (busy, quiet) = (program.target().new_user(), program.target().new_user());
        let (busy_image, quiet_image) = (busy.new_image().await?, quiet.new_image().await?);
        creates(&quiet, &quiet_image).await?;
        let (mut ratios, mut idles, mut loadeds, mut tails, mut rates) =
            (vec![], vec![], vec![], vec![], vec![]);
        for round in 0..ROUNDS {
            let idle = median(&creates(&quiet, &quiet_image).await?);
            let start = Instant::now();
            let load = Load::start(&busy, &busy_image, round, batch);
            let latencies = creates(&quiet, &quiet_image).await;
            let appended = load.stop()?;
            let latencies = latencies?;
            ratios.push(median(&latencies) / idle);
            idles.push(idle);
            loadeds.push(median(&latencies));
            tails.push(percentile(&latencies, 95));
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            rates.push(appended as f64 / start.elapsed().as_secs_f64());
        }
        let detail = format!(
            "median {:.2} ms (95th percentile {:.2}) against {:.2} ms; {:.0} rows/s appended",
            median(&loadeds),
            median(&tails),
            median(&idles),
            median(&rates)
        );
        rows.push(Row { name, figure: median(&ratios), goal: Goal::AtMost(3.0), detail });
    }
    Ok(rows)
}

/// Sends [`CREATES`] creates, one after the other. Returns the latency of each in milliseconds.
async fn creates(user: &User, image_id: &str) -> anyhow::Result<Vec<f64>> {
    let body = json!({"image_id": image_id, "label": "car", "x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4});
    let mut latencies = Vec::with_capacity(CREATES);
    for _ in 0..CREATES {
        let start = Instant::now();
        let response = user.post("/api/annotations", &body).await?;
        ensure!(response.status == 201, "{response:?}");
        latencies.push(start.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(latencies)
}

/// Appenders in a thread of their own: the work of their client must not count as latency of the creates.
struct Load {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<u64>>,
}

impl Load {
    fn start(user: &User, image_id: &str, round: usize, batch: usize) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let (user, image_id, stop) = (user.clone(), image_id.to_owned(), Arc::clone(&is_over));
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let appenders =
                (0..APPENDERS).map(|n| append(&user, &image_id, format!("{round}-{n}"), batch, &stop));
            Ok(runtime.block_on(try_join_all(appenders))?.into_iter().sum())
        });
        Self { is_over, thread }
    }

    /// Stops the appenders. Returns how many annotations they have stored.
    fn stop(self) -> anyhow::Result<u64> {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|_| bail!("an appender panicked"))
    }
}

/// Appends batches until it is over. Returns how many annotations were stored.
async fn append(
    user: &User,
    image_id: &str,
    stream_id: String,
    batch: usize,
    is_over: &AtomicBool,
) -> anyhow::Result<u64> {
    let annotations: Vec<_> = (0..batch).map(|n| new_annotation(image_id, n, batch)).collect();
    let mut client = grpc::annotations(Protocol::Grpc, user.target.annotations, &user.token).await?;
    let mut offset = 0;
    while !is_over.load(Ordering::Relaxed) {
        let (stream_id, annotations) = (stream_id.clone(), annotations.clone());
        let request = AppendAnnotationsRequest { stream_id, offset, annotations };
        offset = client.append_annotations(request).await?.into_inner().next_offset;
    }
    Ok(offset.unsigned_abs())
}
