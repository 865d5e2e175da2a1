//! Shape B with failures and other configurations. `cargo xtask test` builds the Workers first.

#[cfg(test)]
mod keys;

use anyhow::{Context as _, ensure};
use proto::{annotations::v1::ListAnnotationsRequest, images::v1::UndeleteImageRequest};
use serde_json::json;
use tests::{ALLOWED_ORIGIN, Deployment, HttpResponse, ImageFile, Protocol, Target, Worker, grpc, token};
use tonic::Code;

/// Given a gateway without services, when it is called, then it responds 503 over HTTP and `UNAVAILABLE` over gRPC-web; and
/// when it is called more often than its rate limit allows, then it responds 429 with `retry-after`.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_without_services_responds_with_503() -> anyhow::Result<()> {
    let limit = json!([{"name": "RATE_LIMIT", "namespace_id": "1", "simple": {"limit": 8, "period": 60}}]);
    let deployment = Deployment::new(&[Worker::Gateway])?.with(Worker::Gateway, "ratelimits", &limit);
    let deployment = deployment.with_variable("RETICLE_ALLOWED_ORIGINS", ALLOWED_ORIGIN);
    let running = deployment.with_variable("RATE_LIMIT_PERIOD", "60").start().await?;
    let target = running.target()?;
    let user = target.new_user();

    let unavailable =
        user.request(reqwest::Method::GET, "/api/images").header("origin", ALLOWED_ORIGIN).send().await?;
    let unavailable = HttpResponse::read(unavailable).await?;
    ensure!(unavailable.status == 503 && unavailable.text("/code") == "UNAVAILABLE", "{unavailable:?}");
    ensure!(
        unavailable.header("retry-after") == "1" && !unavailable.text("/request_id").is_empty(),
        "{unavailable:?}"
    );
    ensure!(unavailable.header("access-control-allow-origin") == ALLOWED_ORIGIN, "{unavailable:?}");
    let upload = user.upload(&ImageFile::png(8, 8), "a.png").await?;
    ensure!(upload.status == 503, "{upload:?}");
    let mut client = grpc::annotations(Protocol::GrpcWeb, target.gateway, &user.token).await?;
    let rejected = client.list_annotations(ListAnnotationsRequest::default()).await;
    ensure!(rejected.as_ref().is_err_and(|status| status.code() == Code::Unavailable), "{rejected:?}");
    let live = user.get("/livez").await?;
    ensure!(live.status == 200, "{live:?}");

    let mut last = live;
    for _ in 0..8 {
        last = user.get("/livez").await?;
    }
    ensure!(last.status == 429 && last.text("/code") == "RESOURCE_EXHAUSTED", "{last:?}");
    ensure!(last.header("retry-after") == "60", "{last:?}");
    Ok(())
}

/// Given Workers with one missing or invalid setting, when they are called, then the error names the setting.
#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_setting_is_named_at_the_first_call() -> anyhow::Result<()> {
    let gateway = || Deployment::new(&[Worker::Gateway]);
    for (deployment, sentence) in [
        (
            gateway()?.with_variable("RATE_LIMIT_PERIOD", "30"),
            "RATE_LIMIT_PERIOD must be 10 or 60 (seconds), not `30`",
        ),
        (
            gateway()?.with_variable("RATE_LIMIT_PERIOD", "a minute"),
            "RATE_LIMIT_PERIOD must be 10 or 60 (seconds), not `a minute`",
        ),
        (
            Deployment::new(&[Worker::Images])?.with(Worker::Images, "r2_buckets", &json!([])),
            "OBJECTS is missing: bind an R2 bucket (r2_buckets) with this name",
        ),
    ] {
        let running = deployment.start().await?;
        let response = running.target()?.new_user().get("/api/images").await?;
        ensure!(response.status == 500 && response.text("/error") == sentence, "{response:?}");
    }
    Ok(())
}

/// Given an overloaded D1, when an image is read through the gateway, then the response asks for a retry after ten
/// seconds, not after one second as for other failures.
#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_database_gets_a_longer_retry_time() -> anyhow::Result<()> {
    let main = json!(concat!(env!("CARGO_MANIFEST_DIR"), "/worker/overloaded/index.js"));
    let deployment = Deployment::new(&[Worker::Gateway, Worker::Images])?.with(Worker::Images, "main", &main);
    let running = deployment.start().await?;
    let image = "0".repeat(32);
    let response = running.target()?.new_user().get(&format!("/api/images/{image}")).await?;
    ensure!(response.status == 503 && response.text("/code") == "UNAVAILABLE", "{response:?}");
    ensure!(response.header("retry-after") == "10", "{response:?}");
    let ready = running.target()?.new_user().get("/readyz").await?;
    let reason = ready.json["reasons"]["reticle.images.v1.ImagesService"].as_str().unwrap_or_default();
    ensure!(ready.status == 503 && reason.starts_with("The database is overloaded."), "{ready:?}");
    Ok(())
}

/// Given an annotations service without an images service, when they are called, then calls that need images get 503, and
/// other calls succeed.
#[tokio::test(flavor = "multi_thread")]
async fn one_service_works_while_the_other_is_unavailable() -> anyhow::Result<()> {
    let running = Deployment::new(&[Worker::Gateway, Worker::Annotations])?.start().await?;
    let user = running.target()?.new_user();
    let append = user.post("/api/annotations/streams/run:append", &json!({})).await?;
    ensure!(append.status == 200 && append.text("/next_offset") == "0", "{append:?}");
    let image = "0190a0b0c0d07abc8000000000000001";
    let list = user.get(&format!("/api/annotations/by-image/{image}")).await?;
    ensure!(list.status == 503 && !list.header("retry-after").is_empty(), "{list:?}");
    ensure!(
        list.text("/details/0/reason") == "IMAGES_UNAVAILABLE"
            || list.text("/details/1/reason") == "IMAGES_UNAVAILABLE",
        "{list:?}"
    );
    let images = user.get("/api/images").await?;
    ensure!(images.status == 503 && !images.header("retry-after").is_empty(), "{images:?}");
    ensure!(user.get("/readyz").await?.status == 503);
    Ok(())
}

/// Given an image that was deleted 31 days ago and two that were deleted 29 days ago, one of them undeleted, when the cron
/// trigger fires, then the first is purged with its annotation and object, the second exists, and the third can be undeleted.
#[tokio::test(flavor = "multi_thread")]
async fn the_cron_trigger_purges_old_deleted_images() -> anyhow::Result<()> {
    // The trigger goes to the first Worker, which must be the one that purges.
    let running = Deployment::new(&[Worker::Images, Worker::Annotations])?.start().await?;
    let target = running.target()?;
    let user = target.new_user();
    let stored = async || upload(&target, &user.token).await;
    let (long_ago, rescued, lately) = (stored().await?, stored().await?, stored().await?);
    let days = |days: i64| (token::now().as_millis() - days * 86_400_000).to_string();
    for (id, deleted_at) in [(&long_ago, days(31)), (&rescued, days(29)), (&lately, days(29))] {
        let delete = "UPDATE images SET deleted_at = CAST(? AS INTEGER) WHERE id = ?";
        running.sql(delete, &[&deleted_at, id]).await?;
    }
    let annotate =
        "INSERT INTO annotations SELECT id, id, 'car', 0, 0, 1, 1, NULL, '', 'x', 0, 0, 1 FROM images";
    running.sql(annotate, &[]).await?;
    let mut images = grpc::images(Protocol::GrpcWeb, target.gateway, &user.token).await?;
    images.undelete_image(UndeleteImageRequest { image_id: rescued.clone() }).await?;

    let fired = target.client.get(target.url("/__scheduled?cron=0+3+*+*+*")).send().await?.status();
    ensure!(fired.is_success(), "{fired}");

    let undelete = UndeleteImageRequest { image_id: lately.clone() };
    let back = images.undelete_image(undelete).await?.into_inner().image.context("no image")?;
    ensure!(back.id == lately && back.deleted_at.is_none(), "{back:?}");

    let left = running.sql("SELECT id FROM images ORDER BY id", &[]).await?;
    ensure!(left == json!([[rescued], [lately]]), "{left}");
    let annotations = running.sql("SELECT image_id FROM annotations ORDER BY id", &[]).await?;
    ensure!(annotations == json!([[rescued], [lately]]), "{annotations}");
    let objects = target.client.get(target.url("/cdn-cgi/local/explorer/api/r2/buckets/reticle/objects"));
    let objects = objects.send().await?.text().await?;
    ensure!(
        !objects.contains(&long_ago) && objects.contains(&rescued) && objects.contains(&lately),
        "{objects}"
    );
    Ok(())
}

/// Given a stream that was not used for 31 days and one that was used 29 days ago, when the annotations Worker's cron trigger
/// fires, then the first is deleted.
#[tokio::test(flavor = "multi_thread")]
async fn the_cron_trigger_deletes_unused_streams() -> anyhow::Result<()> {
    let running = Deployment::new(&[Worker::Annotations, Worker::Images])?.start().await?;
    let insert = "INSERT INTO ingest_streams VALUES ('alice', ?, 0, 's', 'w', 0, CAST(? AS INTEGER))";
    for (stream, days) in [("old", 31), ("late", 29)] {
        let used_at = token::now().as_millis() - days * 86_400_000;
        running.sql(insert, &[stream, &used_at.to_string()]).await?;
    }

    let target = running.target()?;
    let fired = target.client.get(target.url("/__scheduled?cron=0+3+*+*+*")).send().await?.status();

    ensure!(fired.is_success(), "{fired}");
    let left = running.sql("SELECT stream_id FROM ingest_streams", &[]).await?;
    ensure!(left == json!([["late"]]), "{left}");
    Ok(())
}

/// Stores an image by calling the images service directly by gRPC-web.
async fn upload(target: &Target, token: &str) -> anyhow::Result<String> {
    use proto::images::v1::{UploadImageRequest, UploadInfo, upload_image_request::Payload};
    let mut images = grpc::images(Protocol::GrpcWeb, target.gateway, token).await?;
    let message = |payload| UploadImageRequest { payload: Some(payload) };
    let file = ImageFile::png(8, 8).bytes;
    let messages = [Payload::Info(UploadInfo::default()), Payload::Data(file.into())].map(message);
    let stored = images.upload_image(futures_util::stream::iter(messages)).await?.into_inner();
    Ok(stored.image.context("no image")?.id)
}
