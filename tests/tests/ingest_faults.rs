//! Producers with unreliable connections, and producers that violate the protocol: each annotation is stored once.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, future::try_join_all, stream};
use proto::annotations::v1 as pb;
use tests::{
    Program, Protocol, Proxy, User,
    fixtures::{count_labels, numbered_annotation},
    grpc,
};
use tokio::{process::Command, time::timeout};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

/// The number of annotations of each producer.
const ANNOTATIONS: i64 = 10_000;
/// The number of annotations in one message.
const BATCH: i64 = 10;
/// The maximum wait on a busy machine.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// The message that begins at `offset`.
fn message(image_id: &str, producer: usize, offset: i64) -> pb::IngestAnnotationsRequest {
    let end = (offset + BATCH).min(ANNOTATIONS);
    let annotations = (offset..end).map(|offset| numbered_annotation(image_id, producer, offset)).collect();
    pb::IngestAnnotationsRequest { stream_id: format!("producer-{producer}"), offset, annotations }
}

fn opening(producer: usize) -> pb::IngestAnnotationsRequest {
    pb::IngestAnnotationsRequest { stream_id: format!("producer-{producer}"), ..Default::default() }
}

async fn call(
    user: &User,
    address: SocketAddr,
    messages: Vec<pb::IngestAnnotationsRequest>,
) -> anyhow::Result<Streaming<pb::IngestAnnotationsResponse>> {
    let mut client = grpc::annotations(Protocol::Grpc, address, &user.token).await?;
    // The request stream has no end: the connection breaks first.
    let messages = stream::iter(messages).chain(stream::pending());
    Ok(client.ingest_annotations(messages).await?.into_inner())
}

/// Sends everything, and resumes at the acknowledged offset after each disconnect. Returns the number of calls.
async fn produce(user: &User, address: SocketAddr, image_id: &str, producer: usize) -> anyhow::Result<usize> {
    let (mut durable, mut calls) = (0, 0);
    while durable < ANNOTATIONS {
        calls += 1;
        let first = std::iter::once(opening(producer));
        let rest = (durable..ANNOTATIONS).step_by(10).map(|offset| message(image_id, producer, offset));
        let Ok(mut responses) = call(user, address, first.chain(rest).collect()).await else { continue };
        while let Ok(Some(response)) = responses.message().await {
            ensure!(
                response.invalid.is_empty() && response.next_offset >= durable,
                "{response:?} after {durable}"
            );
            durable = response.next_offset;
            if durable == ANNOTATIONS {
                break;
            }
        }
    }
    Ok(calls)
}

/// Fails unless each annotation of each producer is stored once, and no other is.
async fn require_all_once(user: &User, image_id: &str, producers: usize) -> anyhow::Result<()> {
    let labels = count_labels(user, image_id).await?;
    let sent = (0..producers)
        .flat_map(|producer| (0..ANNOTATIONS).map(move |offset| format!("{producer} {offset}")));
    let expected: BTreeMap<_, _> = sent.map(|label| (label, 1)).collect();
    let wrong: Vec<_> = expected.iter().filter(|(label, _)| labels.get(*label) != Some(&1)).take(5).collect();
    ensure!(labels.len() == expected.len() && wrong.is_empty(), "{} labels; {wrong:?}", labels.len());
    Ok(())
}

/// Given several producers, when their connections break again and again, then each annotation is stored once.
#[tokio::test(flavor = "multi_thread")]
async fn broken_connections_lose_and_duplicate_nothing() -> anyhow::Result<()> {
    const PRODUCERS: usize = 4;
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let proxy = Proxy::start(program.target().annotations).await?;
    let producers = try_join_all((0..PRODUCERS).map(|n| produce(&user, proxy.address(), &image_id, n)));
    let cutting = async {
        for round in 0_u64.. {
            // Waits for a different time in each round, to vary the moment of the disconnect.
            drop(timeout(Duration::from_millis(5 + 7 * (round % 13)), std::future::pending::<()>()).await);
            proxy.cut();
        }
    };
    tokio::select! {
        calls = timeout(MAX_WAIT, producers) => {
            let calls: usize = calls??.into_iter().sum();
            ensure!(calls > 2 * PRODUCERS, "only {calls} calls: too few connections were closed");
        }
        () = cutting => {}
    }
    require_all_once(&user, &image_id, PRODUCERS).await
}

/// Given a producer that sends every message twice and some too early, when it resumes at the reported offset, then each
/// annotation is stored once.
#[tokio::test(flavor = "multi_thread")]
async fn repeated_and_unordered_messages_lose_and_duplicate_nothing() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let address = program.target().annotations;
    let (mut durable, mut gaps) = (0, 0);
    while durable < ANNOTATIONS {
        let twice =
            (durable..ANNOTATIONS).step_by(10).flat_map(|offset| [offset, (offset - 30).max(0), offset]);
        let mut offsets: Vec<_> = twice.take(120).collect();
        // A message that is sent too early leaves a gap.
        offsets.extend([(durable + 800).min(ANNOTATIONS - BATCH), durable]);
        let messages = offsets.into_iter().map(|offset| message(&image_id, 0, offset)).collect();
        let mut responses = call(&user, address, messages).await?;
        loop {
            match timeout(MAX_WAIT, responses.message()).await? {
                Ok(Some(response)) if response.next_offset == ANNOTATIONS => {
                    durable = ANNOTATIONS;
                    break;
                }
                Ok(Some(response)) => durable = response.next_offset,
                Ok(None) => anyhow::bail!("the call ended"),
                Err(status) => {
                    ensure!(next_offset(&status)? == durable, "{durable}: {status:?}");
                    gaps += 1;
                    break;
                }
            }
        }
    }
    ensure!(gaps > 0, "no gap was reported");
    require_all_once(&user, &image_id, 1).await
}

/// The offset at which to resume after a gap, from the error's details.
fn next_offset(status: &Status) -> anyhow::Result<i64> {
    ensure!(status.code() == Code::OutOfRange, "{status:?}");
    let details = status.get_details_error_info().context("no details")?;
    Ok(details.metadata.get("next_offset").context("no offset")?.parse()?)
}

/// Given two writers of one stream that fence each other again and again, when both have sent everything, then each annotation
/// is stored once.
#[tokio::test(flavor = "multi_thread")]
async fn two_writers_of_one_stream_lose_and_duplicate_nothing() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let address = program.target().annotations;
    let writers = try_join_all([0, 0].map(|stream| produce(&user, address, &image_id, stream)));
    let calls: usize = timeout(MAX_WAIT, writers).await??.into_iter().sum();
    ensure!(calls > 2, "no writer was fenced");
    require_all_once(&user, &image_id, 1).await
}

/// Given a producer in the middle of its stream, when the program receives SIGTERM, then it stops with success, the producer
/// receives a retry delay, and acknowledged annotations are stored.
#[tokio::test(flavor = "multi_thread")]
async fn producers_are_notified_when_the_program_stops() -> anyhow::Result<()> {
    let folder = std::sync::Arc::new(tempfile::TempDir::new()?);
    let mut program = Program::start_on(folder.clone(), &[]).await?;
    let user = program.target().user("owner");
    let image_id = user.new_image().await?;
    let messages =
        std::iter::once(opening(0)).chain((0..100).step_by(10).map(|offset| message(&image_id, 0, offset)));
    let mut responses = call(&user, program.target().annotations, messages.collect()).await?;
    let mut durable = 0;
    while durable < 100 {
        durable = timeout(MAX_WAIT, responses.message()).await??.context("the call ended")?.next_offset;
    }
    let signaled = Command::new("kill").args(["-TERM", &program.id()?.to_string()]).status().await?;
    ensure!(signaled.success());
    let (stopped, ended) = tokio::join!(timeout(MAX_WAIT, program.wait()), responses.message());
    let status = ended.err().context("the stream ended without an error")?;
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    ensure!((status.code(), reason.as_str()) == (Code::Unavailable, "SERVER_STOPPING"), "{status:?}");
    ensure!(stopped??.success());
    let again = Program::start_on(folder, &[]).await?;
    let user = User { target: again.target().clone(), ..user };
    ensure!(count_labels(&user, &image_id).await?.len() == 100);
    Ok(())
}
