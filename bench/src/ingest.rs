//! Compares ingest streams over gRPC with a bare loop of prepared INSERTs, and measures the memory growth of ten million rows.

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::{StreamExt as _, future::try_join_all, stream};
use proto::annotations::v1::{IngestAnnotationsRequest, NewAnnotation};
use tests::{Program, Protocol, User, grpc};

use crate::{
    bare_loop::BareLoop,
    load::{median, median_ratio},
    proc,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "ingest";
pub(crate) const MEMORY: &str = "ten million";
/// The number of rows in one commit of the bare loop.
const COMMIT: usize = 5_000;
const LENGTH: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;

/// The number of concurrent producers, and of annotations in each message.
struct Load {
    name: &'static str,
    producers: usize,
    batch: usize,
    goal: f64,
}

const LOADS: [Load; 2] = [
    Load { name: "ingest, 1,000 per message : bare SQLite inserts", producers: 1, batch: 1_000, goal: 0.6 },
    Load {
        name: "ingest, 100 producers, 10 per message : bare inserts",
        producers: 100,
        batch: 10,
        goal: 0.3,
    },
];

/// Measures both in turn, in rows per second. The figures are the median ratios.
pub(crate) async fn measure() -> anyhow::Result<Vec<Row>> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let folder = tempfile::tempdir()?;
    let mut bare_loop = BareLoop::open(folder.path(), COMMIT)?;
    let mut rows = Vec::new();
    for load in LOADS {
        let (mut reticle, mut bare) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            reticle.push(load.rows_per_second(&user, &image_id, round).await?);
            bare.push(tokio::task::block_in_place(|| bare_loop.rows_per_second(LENGTH))?);
        }
        let detail = format!(
            "{:.0} of {:.0} rows/s, over gRPC; the bare loop commits every {COMMIT} rows",
            median(&reticle),
            median(&bare)
        );
        let figure = median_ratio(&reticle, &bare);
        rows.push(Row { name: load.name, figure, goal: Goal::AtLeast(load.goal), detail });
    }
    Ok(rows)
}

impl Load {
    /// Lets the producers send for about [`LENGTH`]. Returns the acknowledged rows per second.
    async fn rows_per_second(&self, user: &User, image_id: &str, round: usize) -> anyhow::Result<f64> {
        let start = Instant::now();
        let produce = |n: usize| {
            let stream_id = format!("{}-{round}-{n}", self.producers);
            produce(user, image_id, stream_id, self.batch, move |_| start.elapsed() < LENGTH)
        };
        let stored = try_join_all((0..self.producers).map(produce)).await?;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let stored = stored.iter().sum::<i64>() as f64;
        Ok(stored / start.elapsed().as_secs_f64())
    }
}

/// The growth of the resident memory between 100,000 and ten million annotations, in MiB.
pub(crate) async fn measure_memory() -> anyhow::Result<[Row; 1]> {
    const FIRST: i64 = 100_000;
    const ALL: i64 = 10_000_000;
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let send = async |stream_id: &str, annotations: i64| {
        produce(&user, &image_id, stream_id.to_owned(), 1_000, move |sent| sent < annotations).await
    };
    send("first", FIRST).await?;
    let before = proc::resident_mib(program.id()?)?;
    let start = Instant::now();
    send("all", ALL - FIRST).await?;
    let after = proc::resident_mib(program.id()?)?;
    let detail = format!(
        "{after:.0} MiB resident after {ALL} annotations, {before:.0} after {FIRST}; {:.0} s",
        start.elapsed().as_secs_f64()
    );
    let name = "memory growth of ingesting ten million rows, MiB";
    Ok([Row { name, figure: after - before, goal: Goal::AtMost(32.0), detail }])
}

/// Sends messages of `batch` annotations while `should_continue(sent)`. Returns how many annotations are durable.
async fn produce(
    user: &User,
    image_id: &str,
    stream_id: String,
    batch: usize,
    should_continue: impl Fn(i64) -> bool + Send + 'static,
) -> anyhow::Result<i64> {
    let step = i64::try_from(batch)?;
    let annotations: Vec<_> = (0..batch).map(|n| new_annotation(image_id, n, batch)).collect();
    let opening = IngestAnnotationsRequest { stream_id, ..Default::default() };
    let messages = stream::iter((0..).step_by(batch))
        .take_while(move |offset| std::future::ready(should_continue(*offset)));
    let messages = messages.map(move |offset| IngestAnnotationsRequest {
        offset,
        annotations: annotations.clone(),
        ..Default::default()
    });
    let address = user.target.annotations;
    let mut client = grpc::annotations(Protocol::Grpc, address, &user.token).await?;
    let mut responses =
        client.ingest_annotations(stream::iter([opening]).chain(messages)).await?.into_inner();
    let mut durable = 0;
    while let Some(response) = responses.message().await? {
        ensure!(response.invalid.is_empty(), "{response:?}");
        durable = response.next_offset;
    }
    ensure!(durable > 0 && durable % step == 0, "{durable} annotations are durable");
    Ok(durable)
}

pub(crate) fn new_annotation(image_id: &str, n: usize, of: usize) -> NewAnnotation {
    let offset = n as f64 / of as f64 / 2.0;
    NewAnnotation {
        image_id: image_id.to_owned(),
        label: format!("label {}", n % 20),
        x: offset,
        y: 0.123_456_789,
        width: 0.25,
        height: 0.1 + offset,
        confidence: Some(0.75),
        model: "detector 1.0".to_owned(),
    }
}
