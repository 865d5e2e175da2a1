//! Calls that send their head but no message.

use anyhow::{Context as _, ensure};
use futures_util::stream;
use proto::annotations::v1::{
    IngestAnnotationsRequest, NewAnnotation, WatchAnnotationsRequest, watch_annotations_response::Event,
};
use tests::{Program, Protocol, grpc};
use tokio::{sync::mpsc, time::timeout};

use super::{MAX_WAIT, http2};

/// Given a call without a token that sends no message, then it is rejected at once if it needs a token, and after the progress
/// interval otherwise.
#[tokio::test]
async fn a_silent_call_without_a_token_times_out() -> anyhow::Result<()> {
    let program = Program::start(&["--progress-interval", "1s"]).await?;
    let (images, annotations) = (program.target().images, program.target().annotations);
    for (address, method, expected) in [
        (images, "reticle.images.v1.ImagesService/GetImage", "16"),
        (images, "reticle.images.v1.ImagesService/UploadImage", "16"),
        (annotations, "reticle.annotations.v1.AnnotationsService/BulkCreateAnnotations", "16"),
        (annotations, "reticle.annotations.v1.AnnotationsService/IngestAnnotations", "16"),
        (images, "reticle.images.v1.ImagesService/DownloadImage", "4"),
        (images, "reticle.images.v1.ImagesService/PutUpload", "4"),
        (images, "grpc.health.v1.Health/Check", "4"),
        (program.target().gateway, "reticle.images.v1.ImagesService/DownloadImage", "4"),
    ] {
        let mut client = http2::connect(address, 65_535).await?;
        let (response, _body) = client.call(&format!("http://{address}/{method}"), None).await?;
        let status = async { http2::grpc_status(response.await?).await };
        let status = timeout(MAX_WAIT, status).await.with_context(|| format!("{method} does not end"))??;
        ensure!(status == expected, "{method}: {status}");
    }
    Ok(())
}

/// Given a producer and a watcher that are idle for longer than the progress interval, then their streams stay open.
#[tokio::test(flavor = "multi_thread")]
async fn idle_streams_stay_open() -> anyhow::Result<()> {
    let program = Program::start(&["--progress-interval", "1s"]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let mut client = grpc::annotations(Protocol::Grpc, program.target().gateway, &user.token).await?;
    let (send, mut receive) = mpsc::channel(4);
    let messages = stream::poll_fn(move |cx| receive.poll_recv(cx));
    let opening = IngestAnnotationsRequest { stream_id: "a".to_owned(), ..Default::default() };
    send.send(opening).await?;
    let mut ingest = client.ingest_annotations(messages).await?.into_inner();
    let request = WatchAnnotationsRequest { image_id: image_id.clone(), ..Default::default() };
    let mut watch = client.watch_annotations(request).await?.into_inner();
    while !matches!(watch.message().await?.and_then(|message| message.event), Some(Event::Current(_))) {}

    // Meanwhile, two unauthenticated calls that are silent for as long time out.
    for _ in 0..2 {
        let mut unauthenticated = http2::connect(program.target().images, 65_535).await?;
        let url = format!("http://{}/grpc.health.v1.Health/Check", program.target().images);
        let (response, _body) = unauthenticated.call(&url, None).await?;
        ensure!(http2::grpc_status(timeout(MAX_WAIT, response).await??).await? == "4");
    }

    let annotation =
        NewAnnotation { image_id, label: "car".to_owned(), width: 0.5, height: 0.5, ..Default::default() };
    let more = IngestAnnotationsRequest { annotations: vec![annotation], ..Default::default() };
    send.send(more).await?;
    let stored = async {
        while ingest.message().await?.context("the producer's stream ended")?.next_offset < 1 {}
        while !matches!(
            watch.message().await?.context("the watcher's stream ended")?.event,
            Some(Event::Changed(_))
        ) {}
        anyhow::Ok(())
    };
    timeout(MAX_WAIT, stored).await?
}
