//! What the program says of itself to those that send it traffic, when something that it needs is not there.

use std::{
    fs::{self, OpenOptions},
    io::{Seek as _, Write as _},
    path::Path,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use tests::{Answer, Picture, Program, program};
use tokio::{process::Command, time::timeout};
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

const SERVING: i32 = 1;
const NOT_SERVING: i32 = 2;

/// The answer of `/readyz` as soon as it has this status: a verdict may be a second old.
async fn readyz(program: &Program, status: u16) -> anyhow::Result<Answer> {
    let user = program.target().new_user();
    let settled = async {
        loop {
            let answer = user.get("/readyz").await?;
            if answer.status == status {
                return anyhow::Ok(answer);
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), settled).await.with_context(|| format!("/readyz is never {status}"))?
}

/// What `grpc.health.v1` says of everything, on each of the three ports.
async fn health(program: &Program) -> anyhow::Result<[i32; 3]> {
    let target = program.target();
    let mut told = [0; 3];
    for (told, port) in told.iter_mut().zip([target.gateway, target.images, target.annotations]) {
        let channel = Endpoint::from_shared(format!("http://{port}"))?.connect().await?;
        *told = HealthClient::new(channel).check(HealthCheckRequest::default()).await?.into_inner().status;
    }
    Ok(told)
}

/// Waits until `grpc.health.v1` says this on the three ports: a verdict may be a second old.
async fn require_health(program: &Program, expected: [i32; 3]) -> anyhow::Result<()> {
    let settled = async {
        while health(program).await? != expected {}
        anyhow::Ok(())
    };
    timeout(Duration::from_secs(20), settled)
        .await
        .with_context(|| format!("health is never {expected:?}"))?
}

/// Requires that the program says in every way that it is not ready because of `reason`, and that it lives.
async fn require_not_ready(program: &Program, reason: &str) -> anyhow::Result<()> {
    let answer = readyz(program, 503).await?;
    let body = answer.json.to_string();
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

/// Given a program that works, when it is asked, then it is ready in every way.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_works_is_ready() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    readyz(&program, 200).await?;
    require_health(&program, [SERVING; 3]).await
}

/// Given a database whose bytes are overwritten, when the program is asked, then it says so.
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

/// Given a staging folder that is removed, when the program is asked, then it says so and what to do.
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_staging_folder_is_not_ready() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    readyz(&program, 200).await?;
    fs::remove_dir_all(program.data_dir().join("objects/staging"))?;
    require_not_ready(&program, "The staging folder of the object store is missing.").await?;
    // Rows need no staging.
    require_health(&program, [NOT_SERVING, NOT_SERVING, SERVING]).await
}

/// Given a database file that is removed or replaced under the program, when images are uploaded, then none is
/// acknowledged; and when the program starts again, then it refuses to begin with an empty database.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_removed_under_the_program_is_noticed() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    user.new_image().await?;
    for name in ["reticle.db", "reticle.db-wal", "reticle.db-shm"] {
        fs::remove_file(program.data_dir().join(name))?;
    }
    let upload = user.upload(&Picture::png(8, 8), "lost.png").await?;
    ensure!(upload.status == 503, "{upload:?}");
    require_not_ready(&program, "The database file was removed or replaced").await?;
    fs::write(program.data_dir().join("reticle.db"), "")?;
    let upload = user.upload(&Picture::png(8, 8), "lost.png").await?;
    ensure!(upload.status == 503, "{upload:?}");

    let folder = program.kill().await?;
    for _ in 0..2 {
        require_refused(&folder, &[], "the object store belongs to the store").await?;
    }
    Ok(())
}

/// Given the folder of a program, when it starts with another database, then it refuses; when the operator adopts that
/// database, then it starts, and refuses the first one.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_store_stops_the_start() -> anyhow::Result<()> {
    let server = Program::start(&[]).await?;
    server.target().new_user().new_image().await?;
    let folder = server.kill().await?;
    let other = format!("sqlite:{}", folder.path().join("other.db").display());
    require_refused(&folder, &["--database-url", &other], "`reticle adopt`").await?;

    let mut adopt = Command::new(program());
    adopt.arg("adopt").arg("--data-dir").arg(folder.path()).args(["--database-url", &other]);
    let adopted = adopt.output().await?;
    ensure!(adopted.status.success(), "{}", String::from_utf8_lossy(&adopted.stderr));
    let server = Program::start_on(folder, &["--database-url", &other]).await?;
    let folder = server.kill().await?;
    require_refused(&folder, &[], "the database belongs to the store").await
}

async fn require_refused(folder: &TempDir, arguments: &[&str], sentence: &str) -> anyhow::Result<()> {
    let mut command = Command::new(program());
    command.args(Program::arguments(folder.path())).args(arguments).kill_on_drop(true);
    let ended = timeout(Duration::from_secs(20), command.output()).await.context("it starts")??;
    let said = String::from_utf8_lossy(&ended.stderr);
    ensure!(!ended.status.success() && said.contains(sentence), "{said}");
    Ok(())
}

/// Given a drain delay, when the program is told to stop, then it is not ready at once, and goes on serving; when it is told
/// again, then it ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_told_to_stop_is_unready_before_it_stops_serving() -> anyhow::Result<()> {
    let mut program = Program::start(&["--drain-delay", "300"]).await?;
    let user = program.target().new_user();
    readyz(&program, 200).await?;
    signal(&program, "-TERM").await?;
    require_not_ready(&program, "The server is shutting down.").await?;
    require_health(&program, [NOT_SERVING; 3]).await?;
    ensure!(user.upload(&Picture::png(8, 8), "late.png").await?.status == 201, "new connections are served");
    signal(&program, "-TERM").await?;
    let status = timeout(Duration::from_secs(10), program.wait()).await.context("it waits")??;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// Given a drain delay, when somebody presses Ctrl-C, then the program does not wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_does_not_wait_for_load_balancers() -> anyhow::Result<()> {
    let mut program = Program::start(&["--drain-delay", "300"]).await?;
    signal(&program, "-INT").await?;
    let status = timeout(Duration::from_secs(20), program.wait()).await.context("it waits")??;
    ensure!(status.success(), "{status}");
    Ok(())
}
