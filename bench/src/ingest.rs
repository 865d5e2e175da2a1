//! Streams of boxes over gRPC, against a bare loop of prepared INSERTs; and the memory that millions of them leave.

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::{StreamExt as _, future::try_join_all, stream};
use proto::annotations::v1::{IngestAnnotationsRequest, NewAnnotation};
use tests::{Program, Protocol, User, grpc};

use crate::{
    bare_loop::BareLoop,
    load::{median, middle_ratio},
    proc,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "ingest";
pub(crate) const MEMORY: &str = "ten million";
/// What the bare loop commits at once.
const COMMIT: usize = 5_000;
const LENGTH: Duration = Duration::from_secs(5);
const ROUNDS: usize = 3;

/// Producers at once, and the boxes of their messages.
struct Load {
    name: &'static str,
    producers: usize,
    batch: usize,
    goal: f64,
}

const LOADS: [Load; 2] = [
    Load { name: "ingest, 1,000 a message : bare SQLite inserts", producers: 1, batch: 1_000, goal: 0.6 },
    Load { name: "ingest, 100 producers of 10 : bare SQLite inserts", producers: 100, batch: 10, goal: 0.3 },
];

/// Rows a second of both, in turn, and the middle of the rounds' ratios.
pub(crate) async fn measure() -> anyhow::Result<Vec<Row>> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let folder = tempfile::tempdir()?;
    let mut bare_loop = BareLoop::open(folder.path(), COMMIT)?;
    let mut rows = Vec::new();
    for load in LOADS {
        let (mut ours, mut bare) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS {
            ours.push(load.rows_a_second(&user, &image_id, round).await?);
            bare.push(tokio::task::block_in_place(|| bare_loop.rows_a_second(LENGTH))?);
        }
        let detail = format!(
            "{:.0} of {:.0} rows/s, over gRPC; the loop commits every {COMMIT}",
            median(&ours),
            median(&bare)
        );
        let figure = middle_ratio(&ours, &bare);
        rows.push(Row { name: load.name, figure, goal: Goal::AtLeast(load.goal), detail });
    }
    Ok(rows)
}

impl Load {
    /// Lets the producers send for about [`LENGTH`], and counts what was acknowledged.
    async fn rows_a_second(&self, user: &User, image_id: &str, round: usize) -> anyhow::Result<f64> {
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

/// MiB that are resident after ten million boxes, more than after a hundred thousand.
pub(crate) async fn measure_memory() -> anyhow::Result<[Row; 1]> {
    const FIRST: i64 = 100_000;
    const ALL: i64 = 10_000_000;
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let send = async |stream_id: &str, boxes: i64| {
        produce(&user, &image_id, stream_id.to_owned(), 1_000, move |sent| sent < boxes).await
    };
    send("first", FIRST).await?;
    let before = proc::resident_mib(program.id()?)?;
    let start = Instant::now();
    send("all", ALL - FIRST).await?;
    let after = proc::resident_mib(program.id()?)?;
    let detail = format!(
        "{after:.0} MiB resident after {ALL} boxes, {before:.0} after {FIRST}; {:.0} s",
        start.elapsed().as_secs_f64()
    );
    let name = "ingest of ten million, growth of memory in MiB";
    Ok([Row { name, figure: after - before, goal: Goal::AtMost(32.0), detail }])
}

/// Sends messages of `batch` boxes while `goes_on` for the number sent, and answers how many are durable.
async fn produce(
    user: &User,
    image_id: &str,
    stream_id: String,
    batch: usize,
    goes_on: impl Fn(i64) -> bool + Send + 'static,
) -> anyhow::Result<i64> {
    let step = i64::try_from(batch)?;
    let boxes: Vec<_> = (0..batch).map(|n| new_box(image_id, n, batch)).collect();
    let opening = IngestAnnotationsRequest { stream_id, ..Default::default() };
    let messages =
        stream::iter((0..).step_by(batch)).take_while(move |offset| std::future::ready(goes_on(*offset)));
    let messages = messages.map(move |offset| IngestAnnotationsRequest {
        offset,
        annotations: boxes.clone(),
        ..Default::default()
    });
    let address = user.target.annotations;
    let mut client = grpc::annotations(Protocol::Grpc, address, &user.token).await?;
    let mut answers = client.ingest_annotations(stream::iter([opening]).chain(messages)).await?.into_inner();
    let mut durable = 0;
    while let Some(answer) = answers.message().await? {
        ensure!(answer.invalid.is_empty(), "{answer:?}");
        durable = answer.next_offset;
    }
    ensure!(durable > 0 && durable % step == 0, "{durable} boxes are durable");
    Ok(durable)
}

pub(crate) fn new_box(image_id: &str, n: usize, of: usize) -> NewAnnotation {
    let place = n as f64 / of as f64 / 2.0;
    NewAnnotation {
        image_id: image_id.to_owned(),
        label: format!("label {}", n % 20),
        x: place,
        y: 0.123_456_789,
        width: 0.25,
        height: 0.1 + place,
        confidence: Some(0.75),
        model: "detector 1.0".to_owned(),
    }
}
