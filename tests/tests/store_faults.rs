//! A bucket that becomes unavailable while the program runs, and buckets that do not exist.

use std::sync::Arc;

use anyhow::ensure;
use tempfile::TempDir;
use tests::{HttpResponse, ImageFile, Program, S3_CREDENTIALS, SeaweedFs, program};
use tokio::{process::Command, sync::Mutex};

/// Two servers that look for free ports at the same time may find the same port.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn require_unavailable(response: &HttpResponse) -> anyhow::Result<()> {
    ensure!(response.status == 503 && !response.header("retry-after").is_empty(), "{response:?}");
    Ok(())
}

/// `reticle serve` with this folder and bucket.
fn serve(folder: &TempDir, objects_url: &str, credentials: [(&str, &str); 2]) -> Command {
    let mut command = Command::new(program());
    command.args(Program::arguments(folder.path())).args(["--objects-url", objects_url]).envs(credentials);
    command
}

/// Given a bucket that is unavailable, when images are stored and read, then the response is 503 with `retry-after`, no row
/// remains, and other calls succeed; when the bucket is available again, then all calls succeed.
#[tokio::test(flavor = "multi_thread")]
async fn calls_succeed_after_a_bucket_outage() -> anyhow::Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (mut bucket, folder) = (SeaweedFs::start().await?, Arc::new(TempDir::new()?));
    let objects_url = bucket.new_bucket("faults").await?;
    let program = Program::start_by(serve(&folder, &objects_url, S3_CREDENTIALS), folder).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let image = format!("/api/images/{image_id}");

    bucket.kill().await?;
    require_unavailable(&user.upload(&ImageFile::png(8, 8), "lost.png").await?)?;
    require_unavailable(&user.get(&format!("{image}/content")).await?)?;
    ensure!(user.get(&image).await?.status == 200, "the image's record does not need the bucket");
    let listed = user.get("/api/images").await?;
    ensure!(listed.json["images"].as_array().map(Vec::len) == Some(1), "{listed:?}");

    bucket.restart().await?;
    ensure!(user.get(&format!("{image}/content")).await?.status == 200);
    ensure!(user.upload(&ImageFile::png(8, 8), "found.png").await?.status == 201);
    Ok(())
}

/// Given a bucket that does not exist or rejects the credentials, when the program starts, then it stops with an error.
#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_bucket_stops_the_start() -> anyhow::Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let bucket = SeaweedFs::start().await?;
    let existing = bucket.new_bucket("there").await?;
    let [id, _] = S3_CREDENTIALS;
    let wrong = [id, ("AWS_SECRET_ACCESS_KEY", "not the secret")];
    let missing = existing.replace("s3://there", "s3://missing");
    for (objects_url, credentials) in [(&missing, S3_CREDENTIALS), (&existing, wrong)] {
        let folder = TempDir::new()?;
        let output = serve(&folder, objects_url, credentials).output().await?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(1), "{said}");
        let last = said.lines().last().unwrap_or_default();
        ensure!(last.starts_with("reticle: --objects-url"), "{said}");
    }
    Ok(())
}
