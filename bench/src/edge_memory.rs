//! How much memory a large upload takes in the isolates of the Workers that it passes.

use std::pin::pin;

use anyhow::ensure;
use futures_util::future::{Either, select};
use tests::{Picture, User, Workers};

use crate::{
    isolate::Isolate,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "edge: memory of an upload";
const SIZE: usize = 10 * 1024 * 1024;
const UPLOADS: usize = 3;
/// The Workers that an upload passes, by their names at Cloudflare.
const PASSED: [&str; 2] = ["reticle", "reticle-images"];

/// How often a session is opened anew: while it starts, the development server opens some of its own, and each takes the
/// place of the one before.
const SESSIONS: usize = 5;

/// The most MB in use by either isolate while uploads follow each other, each from a heap without garbage.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let workers = Workers::start(&[]).await?;
    let user = workers.as_ref().new_user();
    // Each isolate runs, and has what it keeps, before it is looked at.
    upload(&user).await?;
    let mut peaks = Vec::new();
    for name in PASSED {
        let mut peak = uploads(&workers, name, &user).await;
        for _ in 1..SESSIONS {
            if peak.is_err() {
                peak = uploads(&workers, name, &user).await;
            }
        }
        peaks.push(peak? as f64 / 1e6);
    }
    let row = Row {
        name: "edge: memory of an upload in an isolate, MB",
        figure: peaks.iter().copied().fold(0.0, f64::max),
        goal: Goal::AtMost(48.0),
        detail: format!(
            "{:.1} in the gateway's, {:.1} in the images service's: {UPLOADS} uploads of {} MiB one after the other",
            peaks[0],
            peaks[1],
            SIZE / 1024 / 1024
        ),
    };
    Ok([row])
}

/// The most bytes in use by one Worker's isolate.
async fn uploads(workers: &Workers, name: &str, user: &User) -> anyhow::Result<u64> {
    let mut isolate = Isolate::of(workers, name).await?;
    let mut peak = 0;
    for _ in 0..UPLOADS {
        collect_garbage(&mut isolate, user).await?;
        peak = peak.max(during(&mut isolate, upload(user)).await?);
    }
    Ok(peak)
}

/// Has the isolate do something meanwhile, for it collects its garbage between two events.
async fn collect_garbage(isolate: &mut Isolate, user: &User) -> anyhow::Result<()> {
    let calls = async {
        loop {
            user.get("/api/images").await?;
        }
    };
    tokio::select! {
        collected = isolate.collect_garbage() => collected,
        failed = calls => failed,
    }
}

/// The most bytes that are in use until `upload` ends, asked for as fast as the isolate answers.
async fn during(
    isolate: &mut Isolate,
    upload: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<u64> {
    let mut upload = pin!(upload);
    let mut peak = 0;
    loop {
        match select(upload.as_mut(), pin!(isolate.used_bytes())).await {
            // What was asked last is answered too, so that the next call is not given its answer.
            Either::Left((uploaded, asked)) => return uploaded.and(asked.await.map(|used| peak.max(used))),
            Either::Right((used, _)) => peak = peak.max(used?),
        }
    }
}

async fn upload(user: &User) -> anyhow::Result<()> {
    let answer = user.upload(&Picture::of_size(SIZE), "large.png").await?;
    ensure!(answer.status == 201, "{answer:?}");
    Ok(())
}
