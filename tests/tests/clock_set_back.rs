//! Sets the machine's clock back by an hour while the program runs: no timeout, cache or poll may be delayed.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use proto::annotations::v1::{
    WatchAnnotationsRequest, WatchAnnotationsResponse, watch_annotations_response::Event,
};
use tempfile::TempDir;
use tests::{Program, faketime, fixtures::new_annotation, grpc, program};
use tokio::{process::Command, time::timeout};
use tonic::Streaming;

/// The maximum wait on a busy machine. Heartbeats come every 15 seconds.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// A program that reads the wall clock from a file, by faketime.
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
    let message =
        timeout(MAX_WAIT, messages.message()).await.context("no message within the maximum wait")??;
    message.and_then(|message| message.event).context("the stream ended")
}

/// Given a program whose clock is set back during a watch, when another process stores an annotation and deletes the image,
/// then the watcher receives the change and the heartbeats, and the deletion takes effect.
#[tokio::test(flavor = "multi_thread")]
async fn setting_the_clock_back_delays_nothing() -> anyhow::Result<()> {
    let machine = Machine::start().await?;
    let other = Program::start_on(machine.folder.clone(), &[]).await?;
    let (here, there) = (machine.program.target().user("owner"), other.target().user("owner"));
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
    let created = |response: &tests::HttpResponse| response.text("/image/created_at").to_owned();
    ensure!(created(&after) < created(&before), "the time was not set back: {after:?}");

    ensure!(there.post("/api/annotations", &new_annotation(&image_id)).await?.status == 201);
    ensure!(matches!(next(&mut messages).await?, Event::Changed(_)), "changes of other processes");
    ensure!(matches!(next(&mut messages).await?, Event::Current(_)), "heartbeats");

    ensure!(there.delete(&format!("/api/images/{image_id}")).await?.status == 200);
    let gone = async {
        while here.get(&format!("/api/annotations/by-image/{image_id}")).await?.status != 404 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    timeout(MAX_WAIT, gone).await.context("the image's owner is still cached")?
}
