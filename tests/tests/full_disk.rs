//! A full disk: writes are rejected and reads continue. Writes succeed again once there is space.

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
use tests::{ImageFile, Program, program};
use tokio::{process::Command, time::timeout};

/// The size of the disk, and of the file that occupies most of it.
const DISK: &str = "24m";
const FILLER: usize = 16 * 1024 * 1024;
const IMAGE_BYTES: usize = 1024 * 1024;

/// Starts the program on its own small file system. Only the program sees it, and it is removed when the program stops.
async fn start_on_small_disk() -> anyhow::Result<Program> {
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

/// The path of a file on that file system, for use by this process.
fn path_on_disk(program: &Program, name: &str) -> anyhow::Result<PathBuf> {
    let inside = program.data_dir().strip_prefix("/").context("not absolute")?;
    Ok(PathBuf::from(format!("/proc/{}/root", program.id()?)).join(inside).join(name))
}

/// Writes a file until the disk is full.
fn fill(path: &Path) -> anyhow::Result<PathBuf> {
    let mut file = fs::File::create(path)?;
    while file.write_all(&[0; 4096]).is_ok() {}
    Ok(path.to_owned())
}

/// Given a full disk, when more is written, then the write is rejected; reads succeed, and writes succeed once there is space.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_rejects_only_writes() -> anyhow::Result<()> {
    let program = start_on_small_disk().await?;
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let filler = path_on_disk(&program, "filler")?;
    fs::write(&filler, vec![0; FILLER])?;

    let mut rejected = None;
    for _ in 0..30 {
        let response = user.upload(&ImageFile::of_size(IMAGE_BYTES), "large.png").await?;
        if response.status != 201 {
            rejected = Some(response);
            break;
        }
    }
    let rejected = rejected.context("the disk did not become full")?;
    ensure!(rejected.status == 507 && rejected.text("/code") == "RESOURCE_EXHAUSTED", "{rejected:?}");
    let annotations =
        vec![json!({"image_id": image_id, "label": "car", "x": 0, "y": 0, "width": 1, "height": 1}); 500];
    let mut bulk = 201;
    for _ in 0..100 {
        bulk = user.post("/api/annotations/bulk", &json!({"annotations": annotations})).await?.status;
        if bulk != 201 {
            break;
        }
    }
    ensure!(matches!(bulk, 507 | 503), "{bulk}");
    let rest = fill(&path_on_disk(&program, "rest")?)?;
    let ready = user.get("/readyz").await?;
    ensure!(ready.status == 503 && ready.json.to_string().contains("is full. Free some space."), "{ready:?}");
    for path in
        ["/livez".to_owned(), format!("/api/images/{image_id}"), format!("/api/images/{image_id}/content")]
    {
        let response = user.get(&path).await?;
        ensure!(response.status == 200, "{path}: {response:?}");
    }
    let stored = user.get("/api/images?page_size=1000").await?;
    for image in stored.json["images"].as_array().context("no list")? {
        let path = format!("/api/images/{}/content", image["id"].as_str().unwrap_or_default());
        ensure!(user.get(&path).await?.body.len() == image["size_bytes"], "the image is incomplete: {image}");
    }

    fs::remove_file(&filler)?;
    fs::remove_file(&rest)?;
    let ready = async {
        while user.get("/readyz").await?.status != 200 {}
        anyhow::Ok(())
    };
    timeout(Duration::from_secs(20), ready).await.context("not ready though there is space")??;
    ensure!(user.upload(&ImageFile::of_size(IMAGE_BYTES), "later.png").await?.status == 201);
    let later = user.post("/api/annotations/bulk", &json!({"annotations": annotations})).await?;
    ensure!(later.status == 201, "{later:?}");
    Ok(())
}
