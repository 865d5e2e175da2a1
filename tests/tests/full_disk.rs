//! A full disk: writes are refused, reads go on, and once there is room writes do too.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use serde_json::json;
use tempfile::TempDir;
use tests::{Picture, Program, program};
use tokio::{process::Command, time::timeout};

/// The size of the disk, and of the file that takes most of it.
const DISK: &str = "24m";
const FILLER: usize = 16 * 1024 * 1024;
const PICTURE: usize = 1024 * 1024;

/// Starts the program on a small file system of its own, which it alone sees and which ends with it.
async fn on_a_small_disk() -> anyhow::Result<Program> {
    let folder = Arc::new(TempDir::new()?);
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c"])
        .arg(format!("mount -t tmpfs -o size={DISK} small \"$0\" && exec \"$@\""))
        .arg(folder.path())
        .arg(program())
        .args(Program::arguments(folder.path()));
    Program::start_by(command, folder).await
}

/// A path on that file system, as it is seen from here.
fn seen_from_here(program: &Program, name: &str) -> anyhow::Result<PathBuf> {
    let inside = program.data_dir().strip_prefix("/").context("not absolute")?;
    Ok(PathBuf::from(format!("/proc/{}/root", program.id()?)).join(inside).join(name))
}

/// Takes what is left of the disk.
fn fill(path: &Path) -> anyhow::Result<PathBuf> {
    let mut file = fs::File::create(path)?;
    while file.write_all(&[0; 4096]).is_ok() {}
    Ok(path.to_owned())
}

/// Given a disk that fills up, when more is written, then it is refused; the rest goes on, and so do writes later.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_and_nothing_else() -> anyhow::Result<()> {
    let program = on_a_small_disk().await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let filler = seen_from_here(&program, "filler")?;
    fs::write(&filler, vec![0; FILLER])?;

    let mut refused = None;
    for _ in 0..30 {
        let answer = user.upload(&Picture::of_size(PICTURE), "large.png").await?;
        if answer.status != 201 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.context("the disk never filled up")?;
    ensure!(refused.status == 507 && refused.text("/code") == "RESOURCE_EXHAUSTED", "{refused:?}");
    let boxes =
        vec![json!({"image_id": image_id, "label": "car", "x": 0, "y": 0, "width": 1, "height": 1}); 500];
    let mut bulk = 201;
    for _ in 0..100 {
        bulk = user.post("/api/annotations/bulk", &json!({"annotations": boxes})).await?.status;
        if bulk != 201 {
            break;
        }
    }
    ensure!(matches!(bulk, 507 | 503), "{bulk}");
    let rest = fill(&seen_from_here(&program, "rest")?)?;
    let ready = user.get("/readyz").await?;
    ensure!(ready.status == 503 && ready.json.to_string().contains("has no room left"), "{ready:?}");
    for path in
        ["/livez".to_owned(), format!("/api/images/{image_id}"), format!("/api/images/{image_id}/content")]
    {
        let answer = user.get(&path).await?;
        ensure!(answer.status == 200, "{path}: {answer:?}");
    }
    let stored = user.get("/api/images?page_size=1000").await?;
    for image in stored.json["images"].as_array().context("no list")? {
        let path = format!("/api/images/{}/content", image["id"].as_str().unwrap_or_default());
        ensure!(user.get(&path).await?.body.len() == image["size_bytes"], "half a picture: {image}");
    }

    fs::remove_file(&filler)?;
    fs::remove_file(&rest)?;
    let ready = async {
        while user.get("/readyz").await?.status != 200 {}
        anyhow::Ok(())
    };
    timeout(Duration::from_secs(20), ready).await.context("not ready though there is room")??;
    ensure!(user.upload(&Picture::of_size(PICTURE), "later.png").await?.status == 201);
    let later = user.post("/api/annotations/bulk", &json!({"annotations": boxes})).await?;
    ensure!(later.status == 201, "{later:?}");
    Ok(())
}
