//! Producers on bad lines, and producers that do what they should not: each box that was sent is there, once.
#![expect(clippy::indexing_slicing, reason = "an answer that lacks a field fails its test")]

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, future::try_join_all, stream};
use proto::annotations::v1 as pb;
use tests::{Program, Protocol, Proxy, User, grpc};
use tokio::{process::Command, time::timeout};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

/// Boxes of each producer.
const BOXES: i64 = 10_000;
/// Boxes of one message.
const BATCH: i64 = 10;
/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn new_box(image_id: &str, producer: usize, offset: i64) -> pb::NewAnnotation {
    pb::NewAnnotation {
        image_id: image_id.to_owned(),
        label: format!("{producer} {offset}"),
        width: 0.5,
        height: 0.5,
        ..Default::default()
    }
}

/// The message that begins at `offset`.
fn message(image_id: &str, producer: usize, offset: i64) -> pb::IngestAnnotationsRequest {
    let end = (offset + BATCH).min(BOXES);
    let annotations = (offset..end).map(|offset| new_box(image_id, producer, offset)).collect();
    pb::IngestAnnotationsRequest { stream_id: format!("producer-{producer}"), offset, annotations }
}

fn opening(producer: usize) -> pb::IngestAnnotationsRequest {
    pb::IngestAnnotationsRequest { stream_id: format!("producer-{producer}"), ..Default::default() }
}

async fn call(
    user: &User,
    door: SocketAddr,
    messages: Vec<pb::IngestAnnotationsRequest>,
) -> anyhow::Result<Streaming<pb::IngestAnnotationsResponse>> {
    let mut client = grpc::annotations(Protocol::Grpc, door, &user.token).await?;
    // A call without an end: the connection breaks first.
    let messages = stream::iter(messages).chain(stream::pending());
    Ok(client.ingest_annotations(messages).await?.into_inner())
}

/// Sends everything from where the server says, and again from there after each break; answers how many calls it took.
async fn produce(user: &User, door: SocketAddr, image_id: &str, producer: usize) -> anyhow::Result<usize> {
    let (mut durable, mut calls) = (0, 0);
    while durable < BOXES {
        calls += 1;
        let first = std::iter::once(opening(producer));
        let rest = (durable..BOXES).step_by(10).map(|offset| message(image_id, producer, offset));
        let Ok(mut answers) = call(user, door, first.chain(rest).collect()).await else { continue };
        while let Ok(Some(answer)) = answers.message().await {
            ensure!(answer.invalid.is_empty() && answer.next_offset >= durable, "{answer:?} after {durable}");
            durable = answer.next_offset;
            if durable == BOXES {
                break;
            }
        }
    }
    Ok(calls)
}

/// How often the image has each label.
async fn labels(user: &User, image_id: &str) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut labels = BTreeMap::new();
    let mut token = String::new();
    loop {
        let path = format!("/api/annotations/by-image/{image_id}?page_token={token}");
        let page = user.get(&path).await?;
        for annotation in page.json["annotations"].as_array().context("no list")? {
            *labels.entry(annotation["label"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
        }
        page.text("/next_page_token").clone_into(&mut token);
        if token.is_empty() {
            return Ok(labels);
        }
    }
}

/// Fails unless each box of each producer is there once, and no other is.
async fn require_all_once(user: &User, image_id: &str, producers: usize) -> anyhow::Result<()> {
    let labels = labels(user, image_id).await?;
    let sent =
        (0..producers).flat_map(|producer| (0..BOXES).map(move |offset| format!("{producer} {offset}")));
    let expected: BTreeMap<_, _> = sent.map(|label| (label, 1)).collect();
    let wrong: Vec<_> = expected.iter().filter(|(label, _)| labels.get(*label) != Some(&1)).take(5).collect();
    ensure!(labels.len() == expected.len() && wrong.is_empty(), "{} labels; {wrong:?}", labels.len());
    Ok(())
}

/// Given several producers, when their connections are cut again and again, then each box is there once.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_lose_and_double_nothing() -> anyhow::Result<()> {
    const PRODUCERS: usize = 4;
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let proxy = Proxy::start(program.target().annotations).await?;
    let producers = try_join_all((0..PRODUCERS).map(|n| produce(&user, proxy.address(), &image_id, n)));
    let cutting = async {
        for round in 0_u64.. {
            // Not waiting for anything in particular: the moment of the cut is what is varied.
            drop(timeout(Duration::from_millis(5 + 7 * (round % 13)), std::future::pending::<()>()).await);
            proxy.cut();
        }
    };
    tokio::select! {
        calls = timeout(PATIENCE, producers) => {
            let calls: usize = calls??.into_iter().sum();
            ensure!(calls > 2 * PRODUCERS, "{calls} calls: next to nothing was cut");
        }
        () = cutting => {}
    }
    require_all_once(&user, &image_id, PRODUCERS).await
}

/// Given a producer that sends every message twice and some too early, when it goes on where it is told to, then each
/// box is there once.
#[tokio::test(flavor = "multi_thread")]
async fn messages_twice_and_out_of_order_lose_and_double_nothing() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let door = program.target().annotations;
    let (mut durable, mut gaps) = (0, 0);
    while durable < BOXES {
        let twice = (durable..BOXES).step_by(10).flat_map(|offset| [offset, (offset - 30).max(0), offset]);
        let mut offsets: Vec<_> = twice.take(120).collect();
        // What is sent ahead of its turn leaves a gap.
        offsets.extend([(durable + 800).min(BOXES - BATCH), durable]);
        let messages = offsets.into_iter().map(|offset| message(&image_id, 0, offset)).collect();
        let mut answers = call(&user, door, messages).await?;
        loop {
            match timeout(PATIENCE, answers.message()).await? {
                Ok(Some(answer)) if answer.next_offset == BOXES => {
                    durable = BOXES;
                    break;
                }
                Ok(Some(answer)) => durable = answer.next_offset,
                Ok(None) => anyhow::bail!("the call ended"),
                Err(status) => {
                    ensure!(next_offset(&status)? == durable, "{durable}: {status:?}");
                    gaps += 1;
                    break;
                }
            }
        }
    }
    ensure!(gaps > 0, "nothing came out of order");
    require_all_once(&user, &image_id, 1).await
}

/// Where a stream with a gap goes on.
fn next_offset(status: &Status) -> anyhow::Result<i64> {
    ensure!(status.code() == Code::OutOfRange, "{status:?}");
    let details = status.get_details_error_info().context("no details")?;
    Ok(details.metadata.get("next_offset").context("no offset")?.parse()?)
}

/// Given two writers of one stream that fence each other again and again, when both have sent everything, then each box
/// is there once.
#[tokio::test(flavor = "multi_thread")]
async fn two_writers_of_one_stream_lose_and_double_nothing() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let door = program.target().annotations;
    let writers = try_join_all([0, 0].map(|stream| produce(&user, door, &image_id, stream)));
    let calls: usize = timeout(PATIENCE, writers).await??.into_iter().sum();
    ensure!(calls > 2, "nobody was fenced");
    require_all_once(&user, &image_id, 1).await
}

/// Given producers in the middle of their streams, when the program is told to stop, then it ends well, each is told to
/// come back, and what was acknowledged is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_stops_tells_its_producers() -> anyhow::Result<()> {
    let folder = std::sync::Arc::new(tempfile::TempDir::new()?);
    let mut program = Program::start_on(folder.clone(), &[]).await?;
    let user = User {
        id: "owner".to_owned(),
        token: tests::token::mint("owner", ""),
        target: program.target().clone(),
    };
    let image_id = user.new_image().await?;
    let messages =
        std::iter::once(opening(0)).chain((0..100).step_by(10).map(|offset| message(&image_id, 0, offset)));
    let mut answers = call(&user, program.target().annotations, messages.collect()).await?;
    let mut durable = 0;
    while durable < 100 {
        durable = timeout(PATIENCE, answers.message()).await??.context("the call ended")?.next_offset;
    }
    let told = Command::new("kill").args(["-TERM", &program.id()?.to_string()]).status().await?;
    ensure!(told.success());
    let (stopped, ended) = tokio::join!(timeout(PATIENCE, program.wait()), answers.message());
    let status = ended.err().context("the call ended without a word")?;
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    ensure!((status.code(), reason.as_str()) == (Code::Unavailable, "SERVER_STOPPING"), "{status:?}");
    ensure!(stopped??.success());
    let again = Program::start_on(folder, &[]).await?;
    let user = User { target: again.target().clone(), ..user };
    ensure!(labels(&user, &image_id).await?.len() == 100);
    Ok(())
}
