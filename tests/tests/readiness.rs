//! The readiness and health checks of the program, when something that it needs is missing.

use std::{
    fs::{self, OpenOptions},
    io::{Seek as _, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use tests::{HttpResponse, ImageFile, Program, program};
use tokio::{process::Command, time::timeout};
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

/// The response of `/readyz` as soon as it has this status. Check results are cached for up to a second.
async fn readyz(program: &Program, status: u16) -> anyhow::Result<HttpResponse> {
    let user = program.target().new_user();
    let settled = async {
        loop {
            let response = user.get("/readyz").await?;
            if response.status == status {
                return anyhow::Ok(response);
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), settled).await.with_context(|| format!("/readyz is never {status}"))?
}

/// The overall status of `grpc.health.v1` on each of the three ports.
async fn health(program: &Program) -> anyhow::Result<[i32; 3]> {
    let target = program.target();
    let mut statuses = [0; 3];
    for (status, port) in statuses.iter_mut().zip([target.gateway, target.images, target.annotations]) {
        let channel = Endpoint::from_shared(format!("http://{port}"))?.connect().await?;
        *status = HealthClient::new(channel).check(HealthCheckRequest::default()).await?.into_inner().status;
    }
    Ok(statuses)
}

/// Waits until `grpc.health.v1` has these statuses on the three ports. Check results are cached for up to a second.
async fn require_health(program: &Program, expected: [i32; 3]) -> anyhow::Result<()> {
    let settled = async {
        while health(program).await? != expected {}
        anyhow::Ok(())
    };
    timeout(Duration::from_secs(20), settled)
        .await
        .with_context(|| format!("health is never {expected:?}"))?
}

/// Requires that `/readyz` responds 503 with `reason`, and that the program is alive.
async fn require_not_ready(program: &Program, reason: &str) -> anyhow::Result<()> {
    let response = readyz(program, 503).await?;
    let body = response.json.to_string();
    ensure!(body.contains(reason) && !body.contains('/'), "{body}");
    ensure!(program.target().new_user().get("/livez").await?.status == 200);
    Ok(())
}

async fn signal(program: &Program, name: &str) -> anyhow::Result<()> {
    let sent = Command::new("kill").args([name, &program.id()?.to_string()]).status().await?;
    ensure!(sent.success());
    Ok(())
}

/// Writes zeros over all of a file, which stays the same file.
fn overwrite(path: &Path) -> anyhow::Result<()> {
    let size = usize::try_from(fs::metadata(path)?.len())?;
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.rewind()?;
    file.write_all(&vec![0; size])?;
    Ok(())
}

/// Given a working program, when it is checked, then `/readyz` and gRPC health report that it is ready.
#[tokio::test(flavor = "multi_thread")]
async fn a_working_program_is_ready() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    readyz(&program, 200).await?;
    require_health(&program, [SERVING; 3]).await
}

/// Given a database whose bytes are overwritten, when the program is checked, then it is not ready.
#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_database_is_not_ready() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    program.target().new_user().new_image().await?;
    readyz(&program, 200).await?;
    for name in ["reticle.db", "reticle.db-wal"] {
        overwrite(&program.data_dir().join(name))?;
    }
    require_not_ready(&program, "The database").await?;
    require_health(&program, [NOT_SERVING; 3]).await
}

/// Given a staging folder that is removed, when the program is checked, then it reports the missing folder.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_staging_folder_is_not_ready() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    readyz(&program, 200).await?;
    fs::remove_dir_all(program.data_dir().join("objects/staging"))?;
    require_not_ready(&program, "The staging folder of the object store is missing.").await?;
    // The annotations service does not use the staging folder.
    require_health(&program, [NOT_SERVING, NOT_SERVING, SERVING]).await
}

/// Given a database file that is removed or replaced while the program runs, when images are uploaded, then none is
/// acknowledged; and when the program starts again, then it does not start with an empty database.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_database_is_detected() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    user.new_image().await?;
    for name in ["reticle.db", "reticle.db-wal", "reticle.db-shm"] {
        fs::remove_file(program.data_dir().join(name))?;
    }
    let upload = user.upload(&ImageFile::png(8, 8), "lost.png").await?;
    ensure!(upload.status == 503, "{upload:?}");
    require_not_ready(&program, "The database file was removed or replaced").await?;
    fs::write(program.data_dir().join("reticle.db"), "")?;
    let upload = user.upload(&ImageFile::png(8, 8), "lost.png").await?;
    ensure!(upload.status == 503, "{upload:?}");

    let folder = program.kill().await?;
    for _ in 0..2 {
        require_start_failure(&folder, &[], "but the database has none").await?;
    }
    Ok(())
}

/// Given the data folder of a program, when it starts with another database, then the start fails; when the operator adopts
/// that database, then it starts, and no longer starts with the first one.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_store_stops_the_start() -> anyhow::Result<()> {
    let server = Program::start(&[]).await?;
    server.target().new_user().new_image().await?;
    let folder = server.kill().await?;
    let other = format!("sqlite:{}", folder.path().join("other.db").display());
    require_start_failure(&folder, &["--database-url", &other], "`reticle adopt`").await?;

    let mut adopt = Command::new(program());
    adopt.arg("adopt").arg("--data-dir").arg(folder.path()).args(["--database-url", &other]);
    let adopted = adopt.output().await?;
    ensure!(adopted.status.success(), "{}", String::from_utf8_lossy(&adopted.stderr));
    let server = Program::start_on(folder, &["--database-url", &other]).await?;
    let folder = server.kill().await?;
    require_start_failure(&folder, &[], "but the object store has").await
}

async fn require_start_failure(folder: &TempDir, arguments: &[&str], sentence: &str) -> anyhow::Result<()> {
    let mut command = Command::new(program());
    command.args(Program::arguments(folder.path())).args(arguments).kill_on_drop(true);
    let ended = timeout(Duration::from_secs(20), command.output()).await.context("the program starts")??;
    let said = String::from_utf8_lossy(&ended.stderr);
    ensure!(!ended.status.success() && said.contains(sentence), "{said}");
    Ok(())
}

/// Given a drain delay, when the program receives SIGTERM, then it is not ready at once, but still serves requests; when it
/// receives SIGTERM again, then it stops.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_program_is_not_ready_before_it_stops_serving() -> anyhow::Result<()> {
    let mut program = Program::start(&["--drain-delay", "300"]).await?;
    let user = program.target().new_user();
    readyz(&program, 200).await?;
    signal(&program, "-TERM").await?;
    require_not_ready(&program, "The server is shutting down.").await?;
    require_health(&program, [NOT_SERVING; 3]).await?;
    ensure!(
        user.upload(&ImageFile::png(8, 8), "late.png").await?.status == 201,
        "new connections are not served"
    );
    signal(&program, "-TERM").await?;
    let status =
        timeout(Duration::from_secs(10), program.wait()).await.context("the program still waits")??;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// Given a drain delay, when the program receives SIGINT (Ctrl-C), then it stops without the delay.
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_skips_the_drain_delay() -> anyhow::Result<()> {
    let mut program = Program::start(&["--drain-delay", "300"]).await?;
    signal(&program, "-INT").await?;
    let status =
        timeout(Duration::from_secs(20), program.wait()).await.context("the program still waits")??;
    ensure!(status.success(), "{status}");
    Ok(())
}
