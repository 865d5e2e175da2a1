//! Measures how long a change takes to reach all of a thousand watchers of one image.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;
use proto::annotations::v1::{
    CreateAnnotationRequest, NewAnnotation, WatchAnnotationsRequest, WatchAnnotationsResponse,
    watch_annotations_response::Event,
};
use tests::{Program, Protocol, User, grpc};
use tonic::Streaming;

use crate::{
    load::{median, median_ratio},
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "watchers";
const WATCHERS: usize = 1_000;
/// Watchers on one connection: fewer than the limit of streams on a connection.
const PER_CONNECTION: usize = 100;
const CHANGES: usize = 30;

/// The milliseconds from the request for a change until all watchers received it, for one watcher and for a thousand.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let one = changes(&user, &image_id, &mut watchers(&user, &image_id, 1).await?).await?;
    let all = changes(&user, &image_id, &mut watchers(&user, &image_id, WATCHERS).await?).await?;
    let detail = format!("{:.1} ms to all {WATCHERS}, {:.1} ms to one", median(&all), median(&one));
    let figure = median_ratio(&all, &one);
    Ok([Row { name: "change to 1,000 watchers : change to one", figure, goal: Goal::AtMost(10.0), detail }])
}

type Watcher = Streaming<WatchAnnotationsResponse>;

/// Starts `count` watchers, and waits until each has received the current state.
async fn watchers(user: &User, image_id: &str, count: usize) -> anyhow::Result<Vec<Watcher>> {
    let mut watchers = Vec::new();
    let mut client = grpc::annotations(Protocol::Grpc, user.target.annotations, &user.token).await?;
    for n in 0..count {
        if n % PER_CONNECTION == 0 {
            client = grpc::annotations(Protocol::Grpc, user.target.annotations, &user.token).await?;
        }
        let request = WatchAnnotationsRequest { image_id: image_id.to_owned(), ..Default::default() };
        let mut watcher = client.watch_annotations(request).await?.into_inner();
        while !matches!(next(&mut watcher).await?, Event::Current(_)) {}
        watchers.push(watcher);
    }
    Ok(watchers)
}

async fn next(watcher: &mut Watcher) -> anyhow::Result<Event> {
    watcher.message().await?.and_then(|message| message.event).context("a watcher's stream ended")
}

/// Makes [`CHANGES`] changes. Returns how long each took to reach all watchers, in milliseconds.
async fn changes(user: &User, image_id: &str, watchers: &mut [Watcher]) -> anyhow::Result<Vec<f64>> {
    let mut client = grpc::annotations(Protocol::Grpc, user.target.annotations, &user.token).await?;
    let mut millis = Vec::new();
    for _ in 0..CHANGES {
        let annotation = NewAnnotation {
            image_id: image_id.to_owned(),
            label: "car".to_owned(),
            width: 0.5,
            height: 0.5,
            ..Default::default()
        };
        let start = Instant::now();
        let create = client.create_annotation(CreateAnnotationRequest { annotation: Some(annotation) });
        let received = try_join_all(watchers.iter_mut().map(async |watcher| {
            // Heartbeats are `Current` events.
            while matches!(next(watcher).await?, Event::Current(_)) {}
            anyhow::Ok(start.elapsed())
        }));
        let (created, received) = tokio::join!(create, received);
        ensure!(created?.into_inner().annotation.is_some());
        let last = received?.into_iter().max().unwrap_or_default();
        millis.push(last.as_secs_f64() * 1_000.0);
        // Do not fall into step with the poll that the service makes each second.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(millis)
}
