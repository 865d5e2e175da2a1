//! Repeated `kill -9` in the middle of a stream: each annotation that was sent is stored once.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use futures_util::{future::join_all, stream};
use proto::annotations::v1 as pb;
use tempfile::TempDir;
use tests::{
    Program, Protocol, User,
    fixtures::{count_labels, numbered_annotation},
    grpc,
};
use tokio::time::timeout;

/// The user of all producers.
const OWNER: &str = "owner";
/// The number of kills.
const KILLS: u64 = 50;
/// The maximum of additional kills, for a slow machine that has acknowledged nothing by then.
const MORE_KILLS: u64 = 10;
/// The number of concurrent producers, each with its own stream.
const PRODUCERS: usize = 3;
/// The number of annotations in one message.
const BATCH: i64 = 7;

/// Given producers that number their annotations, when the program is killed fifty times, then after each restart every
/// producer resumes at the program's offset, and in the end every annotation is stored once.
#[tokio::test(flavor = "multi_thread")]
async fn every_annotation_is_stored_once_after_each_kill() -> anyhow::Result<()> {
    let mut folder = Arc::new(TempDir::new()?);
    let mut image_id = String::new();
    let mut acknowledged = [0; PRODUCERS];
    for round in 0..KILLS + MORE_KILLS {
        if round >= KILLS && !acknowledged.contains(&0) {
            break;
        }
        let program = Program::start_on(folder, &[]).await?;
        // The same user in every round.
        let user = program.target().user(OWNER);
        if round == 0 {
            image_id = user.new_image().await?;
        }
        let producers = join_all((0..PRODUCERS).map(|n| produce(&user, n, &image_id, acknowledged[n])));
        let killer = async {
            // Waits for a different time in each round, to vary the moment of the kill.
            let millis = if round < KILLS { 20 + 13 * (round % 11) } else { 1_000 };
            drop(timeout(Duration::from_millis(millis), std::future::pending::<()>()).await);
            program.kill().await
        };
        let (seen, killed) = tokio::join!(producers, killer);
        folder = killed?;
        for (n, seen) in seen.into_iter().enumerate() {
            acknowledged[n] = seen?;
        }
    }
    let program = Program::start_on(folder, &[]).await?;
    let user = program.target().user(OWNER);
    let counts = count_labels(&user, &image_id).await?;
    for (n, acknowledged) in acknowledged.into_iter().enumerate() {
        ensure!(acknowledged > 0, "nothing of producer {n} was acknowledged");
        let path = format!("/api/annotations/streams/producer-{n}");
        let next_offset: i64 = user.get(&path).await?.text("/next_offset").parse()?;
        ensure!(next_offset >= acknowledged, "{next_offset} of {acknowledged}");
        for offset in 0..next_offset {
            let times = counts.get(&format!("{n} {offset}")).copied().unwrap_or_default();
            ensure!(times == 1, "annotation {offset} of producer {n} is stored {times} times");
        }
    }
    Ok(())
}

/// Opens the stream, and sends from the program's offset until the program stops. Returns the acknowledged offset. `known` is
/// the offset that was acknowledged before.
async fn produce(user: &User, n: usize, image_id: &str, known: i64) -> anyhow::Result<i64> {
    let Ok(mut client) = grpc::annotations(Protocol::Grpc, user.target.annotations, &user.token).await else {
        return Ok(known);
    };
    let stream_id = format!("producer-{n}");
    let get = pb::GetIngestStreamRequest { stream_id: stream_id.clone() };
    let from = match client.get_ingest_stream(get).await {
        Ok(found) => found.into_inner().next_offset,
        Err(status) if status.code() == tonic::Code::NotFound => 0,
        Err(_) => return Ok(known),
    };
    ensure!(from >= known, "{known} annotations were acknowledged, but {from} are stored");
    let image_id = image_id.to_owned();
    let message = move |offset: i64| pb::IngestAnnotationsRequest {
        stream_id: stream_id.clone(),
        offset,
        annotations: (offset..offset + BATCH)
            .map(|offset| numbered_annotation(&image_id, n, offset))
            .collect(),
    };
    // Starts one batch before the offset: resent annotations must not be stored again.
    let first = (from - BATCH).max(0);
    let messages = stream::iter((0..).map(move |count| message(first + count * BATCH)));
    let Ok(responses) = client.ingest_annotations(messages).await else { return Ok(from) };
    let (mut responses, mut acknowledged) = (responses.into_inner(), from);
    while let Ok(Some(response)) = responses.message().await {
        ensure!(response.invalid.is_empty(), "{response:?}");
        acknowledged = response.next_offset;
    }
    Ok(acknowledged)
}
