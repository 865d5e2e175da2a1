//! A machine whose time is set back by an hour while the program runs: nothing that lasts, ages or is due may notice.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use proto::annotations::v1::{
    WatchAnnotationsRequest, WatchAnnotationsResponse, watch_annotations_response::Event,
};
use serde_json::json;
use tempfile::TempDir;
use tests::{Program, Target, User, faketime, grpc, program};
use tokio::{process::Command, time::timeout};
use tonic::Streaming;

/// How long anything may take on a busy machine; what is to come comes every 15 seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program whose machine's time is what a file says.
struct Machine {
    program: Program,
    folder: Arc<TempDir>,
    time: PathBuf,
}

impl Machine {
    async fn start() -> anyhow::Result<Self> {
        let folder = Arc::new(TempDir::new()?);
        let time = folder.path().join("time");
        fs::write(&time, "+0")?;
        let mut command = Command::new(program());
        command.args(Program::arguments(folder.path()));
        command.env("LD_PRELOAD", faketime()?).env("FAKETIME_TIMESTAMP_FILE", &time);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Ok(Self { program: Program::start_by(command, folder.clone()).await?, folder, time })
    }

    fn set_back_by_an_hour(&self) -> anyhow::Result<()> {
        Ok(fs::write(&self.time, "-3600")?)
    }
}

async fn next(messages: &mut Streaming<WatchAnnotationsResponse>) -> anyhow::Result<Event> {
    let message = timeout(PATIENCE, messages.message()).await.context("nothing comes")??;
    message.and_then(|message| message.event).context("the call has ended")
}

fn user(target: &Target) -> User {
    User { id: "owner".to_owned(), token: tests::token::mint("owner", ""), target: target.clone() }
}

/// Given a program whose machine's time is set back while it is watched, when an annotation is stored by another process,
/// nothing happens for a while, and the image is deleted by the other process, then each is noticed as ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_is_set_back_delays_nothing() -> anyhow::Result<()> {
    let machine = Machine::start().await?;
    let beside = Program::start_on(machine.folder.clone(), &[]).await?;
    let (here, there) = (user(machine.program.target()), user(beside.target()));
    let image_id = here.new_image().await?;
    let before = here.get(&format!("/api/images/{image_id}")).await?;
    let target = machine.program.target();
    let mut client = grpc::annotations(target.protocol, target.annotations, &here.token).await?;
    let request = WatchAnnotationsRequest { image_id: image_id.clone(), ..Default::default() };
    let mut messages = client.watch_annotations(request).await?.into_inner();
    ensure!(matches!(next(&mut messages).await?, Event::Current(_)));

    machine.set_back_by_an_hour()?;
    let set_back = here.new_image().await?;
    let after = here.get(&format!("/api/images/{set_back}")).await?;
    let created = |answer: &tests::Answer| answer.text("/image/created_at").to_owned();
    ensure!(created(&after) < created(&before), "the time was not set back: {after:?}");

    let stored = json!({"image_id": image_id, "label": "car", "x": 0, "y": 0, "width": 0.5, "height": 0.5});
    ensure!(there.post("/api/annotations", &stored).await?.status == 201);
    ensure!(matches!(next(&mut messages).await?, Event::Changed(_)), "changes of other processes");
    ensure!(matches!(next(&mut messages).await?, Event::Current(_)), "heartbeats");

    ensure!(there.delete(&format!("/api/images/{image_id}")).await?.status == 200);
    let gone = async {
        while here.get(&format!("/api/annotations/by-image/{image_id}")).await?.status != 404 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, gone).await.context("the image's owner is remembered for ever")?
}
