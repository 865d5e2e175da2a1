//! Measures how much memory a large upload uses in the isolates of the Workers through which it passes.

use std::pin::pin;

use anyhow::ensure;
use futures_util::future::{Either, select};
use tests::{ImageFile, User, Workers};

use crate::{
    isolate::Isolate,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "edge: memory of an upload";
const SIZE: usize = 10 * 1024 * 1024;
const UPLOADS: usize = 3;
/// The Workers through which an upload passes, by their names at Cloudflare.
const PASSED: [&str; 2] = ["reticle", "reticle-images"];

/// How often a session is tried. While the development server starts, it opens sessions of its own, and each new session
/// closes the one before.
const SESSIONS: usize = 5;

/// The peak MB in use by either isolate, over sequential uploads. The garbage is collected before each.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let workers = Workers::start(&[]).await?;
    let user = workers.as_ref().new_user();
    // Start each isolate, and let it allocate what it keeps, before the measurement.
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
            "{:.1} in the gateway, {:.1} in the images service; {UPLOADS} sequential uploads of {} MiB",
            peaks[0],
            peaks[1],
            SIZE / 1024 / 1024
        ),
    };
    Ok([row])
}

/// The peak of the bytes in use by one Worker's isolate.
async fn uploads(workers: &Workers, name: &str, user: &User) -> anyhow::Result<u64> {
    let mut isolate = Isolate::connect(workers, name).await?;
    let mut peak = 0;
    for _ in 0..UPLOADS {
        collect_garbage(&mut isolate, user).await?;
        peak = peak.max(peak_during(&mut isolate, upload(user)).await?);
    }
    Ok(peak)
}

/// Collects the isolate's garbage. Sends requests at the same time, since the isolate collects between two events.
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

/// The peak of the bytes in use until `upload` ends. Polls as fast as the isolate responds.
async fn peak_during(
    isolate: &mut Isolate,
    upload: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<u64> {
    let mut upload = pin!(upload);
    let mut peak = 0;
    loop {
        match select(upload.as_mut(), pin!(isolate.used_bytes())).await {
            // Wait for the last poll too, so that the next call does not read its response.
            Either::Left((uploaded, poll)) => return uploaded.and(poll.await.map(|used| peak.max(used))),
            Either::Right((used, _)) => peak = peak.max(used?),
        }
    }
}

async fn upload(user: &User) -> anyhow::Result<()> {
    let response = user.upload(&ImageFile::of_size(SIZE), "large.png").await?;
    ensure!(response.status == 201, "{response:?}");
    Ok(())
}
