//! A bucket that goes away under the program, and buckets that were never there.

use std::sync::Arc;

use anyhow::ensure;
use tempfile::TempDir;
use tests::{Answer, Picture, Program, S3_CREDENTIALS, SeaweedFs, program};
use tokio::{process::Command, sync::Mutex};

/// Two servers that look for free ports at the same time may find the same.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

fn require_away(answer: &Answer) -> anyhow::Result<()> {
    ensure!(answer.status == 503 && !answer.header("retry-after").is_empty(), "{answer:?}");
    Ok(())
}

/// `reticle serve` on that folder and bucket.
fn serve(folder: &TempDir, objects_url: &str, credentials: [(&str, &str); 2]) -> Command {
    let mut command = Command::new(program());
    command.args(Program::arguments(folder.path())).args(["--objects-url", objects_url]).envs(credentials);
    command
}

/// Given a bucket that goes away, when pictures are stored and read, then the answer says to come back, no row is left, and
/// the rest works; when it is back, then so is everything.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_away_costs_nothing_but_time() -> anyhow::Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let (mut bucket, folder) = (SeaweedFs::start().await?, Arc::new(TempDir::new()?));
    let objects_url = bucket.new_bucket("faults").await?;
    let program = Program::start_by(serve(&folder, &objects_url, S3_CREDENTIALS), folder).await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let image = format!("/api/images/{image_id}");

    bucket.kill().await?;
    require_away(&user.upload(&Picture::png(8, 8), "lost.png").await?)?;
    require_away(&user.get(&format!("{image}/content")).await?)?;
    ensure!(user.get(&image).await?.status == 200, "what is known of it needs no bucket");
    let listed = user.get("/api/images").await?;
    ensure!(listed.json["images"].as_array().map(Vec::len) == Some(1), "{listed:?}");

    bucket.restart().await?;
    ensure!(user.get(&format!("{image}/content")).await?.status == 200);
    ensure!(user.upload(&Picture::png(8, 8), "found.png").await?.status == 201);
    Ok(())
}

/// Given a bucket that is not there, or not for these credentials, when the program starts, then it says so and ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_used_stops_the_start() -> anyhow::Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let bucket = SeaweedFs::start().await?;
    let there = bucket.new_bucket("there").await?;
    let [id, _] = S3_CREDENTIALS;
    let wrong = [id, ("AWS_SECRET_ACCESS_KEY", "not the secret")];
    let missing = there.replace("s3://there", "s3://missing");
    for (objects_url, credentials) in [(&missing, S3_CREDENTIALS), (&there, wrong)] {
        let folder = TempDir::new()?;
        let output = serve(&folder, objects_url, credentials).output().await?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(1), "{said}");
        let last = said.lines().last().unwrap_or_default();
        ensure!(last.starts_with("reticle: --objects-url"), "{said}");
    }
    Ok(())
}
