//! Watch streams through a proxy that buffers responses by default.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use prost::Message as _;
use proto::annotations::v1::WatchAnnotationsRequest;
use tests::{
    Nginx, Program, User,
    fixtures::{new_annotation, read_until},
};
use tokio::time::timeout;

/// How long a change may take to arrive on a busy machine. A proxy that buffers holds it for minutes.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Creates an annotation, and returns its id.
async fn create(user: &User, image_id: &str) -> anyhow::Result<String> {
    let created = user.post("/api/annotations", &new_annotation(image_id)).await?;
    ensure!(created.status == 201, "{created:?}");
    Ok(created.text("/annotation/id").to_owned())
}

/// A call of `WatchAnnotations` by gRPC-web.
fn watch_by_grpc_web(client: &reqwest::Client, user: &User, image_id: &str) -> reqwest::RequestBuilder {
    let message = WatchAnnotationsRequest { image_id: image_id.to_owned(), ..Default::default() };
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap_or_default().to_be_bytes();
    client
        .post("http://nginx/reticle.annotations.v1.AnnotationsService/WatchAnnotations")
        .header("content-type", "application/grpc-web+proto")
        .bearer_auth(&user.token)
        .body([&[0], &length[..], &message].concat())
}

/// Given nginx with its defaults in front of each port, when annotations are watched in each form, then the head and each
/// change arrive at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_behind_nginx_receives_each_change_at_once() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let (gateway, annotations) =
        (Nginx::start(program.target().gateway).await?, Nginx::start(program.target().annotations).await?);
    let (gateway, annotations) = (gateway.client()?, annotations.client()?);
    let lines = format!("http://nginx/api/annotations/by-image/{image_id}/watch");
    let by_http = |accept| gateway.get(&lines).header("accept", accept).bearer_auth(&user.token);
    for (form, request) in [
        ("lines", by_http("application/x-ndjson")),
        ("events", by_http("text/event-stream")),
        ("an array", by_http("application/json")),
        ("gRPC-web", watch_by_grpc_web(&gateway, &user, &image_id)),
        ("gRPC-web of the service itself", watch_by_grpc_web(&annotations, &user, &image_id)),
    ] {
        let response = timeout(MAX_WAIT, request.send()).await.with_context(|| format!("no head: {form}"))?;
        let mut response = response?;
        ensure!(response.status() == 200, "{form}: {response:?}");
        for _ in 0..2 {
            let id = create(&user, &image_id).await?;
            read_until(&mut response, &id, MAX_WAIT).await.with_context(|| form.to_owned())?;
        }
    }
    Ok(())
}
