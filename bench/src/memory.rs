//! How much memory many large uploads and downloads at once take.

use anyhow::ensure;
use futures_util::future::try_join_all;
use tests::{Picture, Program, User};

use crate::{
    cpu,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "memory";
const AT_ONCE: usize = 64;
const SIZE: usize = 10 * 1024 * 1024;

/// Growth of the resident memory in MiB, at its peak.
pub(crate) async fn measure() -> anyhow::Result<[Row; 2]> {
    let program = Program::start(&[]).await?;
    let id = program.id()?;
    let user = program.target().new_user();
    let picture = Picture::of_size(SIZE);
    // Once by itself, so that what is only set up is not counted.
    let image_id = upload(&user, &picture).await?;
    download(&user, &image_id).await?;

    let uploads = growth(id, try_join_all((0..AT_ONCE).map(|_| upload(&user, &picture)))).await?;
    let downloads = growth(id, try_join_all((0..AT_ONCE).map(|_| download(&user, &image_id)))).await?;
    let row = |name, figure| {
        let detail = format!("{AT_ONCE} of {} MiB at once", SIZE / 1024 / 1024);
        Row { name, figure, goal: Goal::AtMost(64.0), detail }
    };
    Ok([row("memory growth of uploads, MiB", uploads), row("memory growth of downloads, MiB", downloads)])
}

async fn growth<T>(id: u32, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<f64> {
    cpu::reset_peak(id)?;
    let before = cpu::resident_mib(id)?;
    work.await?;
    Ok(cpu::peak_mib(id)? - before)
}

async fn upload(user: &User, picture: &Picture) -> anyhow::Result<String> {
    let answer = user.upload(picture, "large.png").await?;
    ensure!(answer.status == 201, "{answer:?}");
    Ok(answer.text("/image/id").to_owned())
}

async fn download(user: &User, image_id: &str) -> anyhow::Result<()> {
    let path = format!("/api/images/{image_id}/content");
    let mut response = user.request(reqwest::Method::GET, &path).send().await?;
    let mut size = 0;
    while let Some(chunk) = response.chunk().await? {
        size += chunk.len();
    }
    ensure!(size == SIZE, "{size} bytes came");
    Ok(())
}
