//! Watchers: `/api/annotations/by-image/{image_id}/watch`, and `WatchAnnotations`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use proto::annotations::v1::{WatchAnnotationsRequest, watch_annotations_response::Event};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::annotations::a_box;
use crate::{Target, User, grpc};

/// How long a change may take to be told, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many changes happen while the watcher is cut off again and again.
const CHANGES: usize = 300;

/// The label of the change after which there is none.
pub(super) const LAST: &str = "the last one";

/// What a watcher has been told.
#[derive(Debug, Default)]
struct Told {
    token: String,
    boxes: BTreeMap<String, (String, String)>,
    /// What must not be told again.
    once: BTreeSet<(String, String)>,
}

impl Told {
    /// Takes one event in; answers whether it was the last change.
    fn take(&mut self, event: Option<Event>) -> anyhow::Result<bool> {
        let (id, etag) = match event.context("a message without an event")? {
            Event::Changed(changed) => {
                let is_last = changed.label == LAST;
                let once = (changed.id.clone(), changed.etag.clone());
                self.boxes.insert(changed.id, (changed.label, changed.etag));
                ensure!(self.once.insert(once.clone()), "{once:?} is told twice");
                return Ok(is_last);
            }
            Event::Removed(removed) => {
                self.boxes.remove(&removed.id);
                (removed.id, "removed".to_owned())
            }
            Event::Current(_) => return Ok(false),
            Event::Reset(_) => bail!("the history is known, and there is a reset"),
        };
        ensure!(self.once.insert((id.clone(), etag)), "{id} is removed twice");
        Ok(false)
    }
}

/// Numbers that look random and are always the same.
fn dice() -> impl FnMut(usize) -> usize {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    move |sides| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or_default() % sides
    }
}

/// Draws, relabels and removes boxes of the image at random.
pub(super) async fn change(user: User, image_id: String) -> anyhow::Result<()> {
    let (mut roll, mut ids) = (dice(), Vec::new());
    for n in 0..CHANGES {
        let label = json!({"label": format!("change {n}")});
        let answer = match roll(5) {
            0 if ids.len() > 2 => {
                user.delete(&format!("/api/annotations/{}", ids.swap_remove(roll(ids.len())))).await?
            }
            1 | 2 if !ids.is_empty() => {
                user.patch(&format!("/api/annotations/{}", ids[roll(ids.len())]), &label).await?
            }
            3 => {
                let boxes = vec![a_box(&image_id); 3];
                let answer = user.post("/api/annotations/bulk", &json!({"annotations": boxes})).await?;
                let new = answer.json["ids"].as_array().cloned().unwrap_or_default();
                ids.extend(new.iter().filter_map(Value::as_str).map(str::to_owned));
                answer
            }
            _ => {
                let answer = user.post("/api/annotations", &a_box(&image_id)).await?;
                ids.push(answer.text("/annotation/id").to_owned());
                answer
            }
        };
        ensure!(answer.status < 300, "{answer:?}");
    }
    let mut last = a_box(&image_id);
    last["label"] = json!(LAST);
    ensure!(user.post("/api/annotations", &last).await?.status == 201);
    Ok(())
}

/// Watches from call to call, each cut off after a few events, until the last change.
async fn watch(user: User, image_id: String) -> anyhow::Result<Told> {
    let (mut roll, mut told) = (dice(), Told::default());
    let doors = [user.target.annotations, user.target.gateway];
    loop {
        let door = doors[roll(doors.len())];
        let mut client = grpc::annotations(user.target.protocol, door, &user.token).await?;
        let (image_id, resume_token) = (image_id.clone(), told.token.clone());
        let request = WatchAnnotationsRequest { image_id, resume_token, ..Default::default() };
        let mut messages = client.watch_annotations(request).await?.into_inner();
        for _ in 0..=roll(12) {
            let next = timeout(PATIENCE, messages.message()).await.context("nothing is told")??;
            let Some(message) = next else { break };
            told.token = message.resume_token;
            if told.take(message.event)? {
                return Ok(told);
            }
        }
    }
}

/// Given a watcher that is cut off at random, when hundreds of changes happen, then it knows in the end what the server
/// knows, and was told nothing twice.
pub(super) async fn a_watcher_that_is_cut_off_misses_nothing_and_hears_nothing_twice(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    user.post("/api/annotations", &a_box(&image_id)).await?;
    let (told, ()) =
        tokio::try_join!(watch(user.clone(), image_id.clone()), change(user.clone(), image_id.clone()))?;
    let listed = user.get(&format!("/api/annotations/by-image/{image_id}")).await?;
    let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let boxes = listed.json["annotations"].as_array().context("no list")?;
    let known: BTreeMap<_, _> =
        boxes.iter().map(|one| (text(one, "id"), (text(one, "label"), text(one, "etag")))).collect();
    ensure!(told.boxes == known, "told {:?}, listed {known:?}", told.boxes);
    Ok(())
}

/// Reads the body of an endless answer up to the first piece that holds `end`.
async fn read_until(response: &mut reqwest::Response, end: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    while !text.contains(end) {
        let chunk = timeout(PATIENCE, response.chunk()).await.context("nothing is told")??;
        text.push_str(std::str::from_utf8(&chunk.context("it ended")?)?);
    }
    Ok(text)
}

/// Given HTTP, when an image is watched, then lines or events come as `Accept` says, and `Last-Event-ID` resumes.
pub(super) async fn lines_and_events_come_as_they_happen(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let path = format!("/api/annotations/by-image/{image_id}/watch");
    let mut lines = user.request(Method::GET, &path).header("accept", "application/x-ndjson").send().await?;
    let mut events = user.request(Method::GET, &path).header("accept", "text/event-stream").send().await?;
    ensure!(lines.headers()["content-type"] == "application/x-ndjson", "{lines:?}");
    ensure!(events.headers()["content-type"] == "text/event-stream", "{events:?}");
    read_until(&mut lines, "current").await?;
    let first = read_until(&mut events, "\n\n").await?;
    let id = first.strip_prefix("id: ").and_then(|rest| rest.split('\n').next()).context("no id")?.to_owned();
    let created = user.post("/api/annotations", &a_box(&image_id)).await?;
    let line: Value = serde_json::from_str(&read_until(&mut lines, "\n").await?)?;
    ensure!(line["changed"] == created.json["annotation"], "{line}");
    let event = read_until(&mut events, "\n\n").await?;
    ensure!(
        event.contains(&format!("data: {{\"changed\":{{\"id\":\"{}\"", created.text("/annotation/id"))),
        "{event}"
    );
    let again = user.request(Method::GET, &path).header("accept", "text/event-stream");
    let missed = read_until(&mut again.header("last-event-id", id).send().await?, "current").await?;
    ensure!(missed.contains(created.text("/annotation/id")), "{missed}");
    Ok(())
}

/// Given a browser whose last event's id is no token, or one of another image, when it connects, then it is sent `reset` and
/// the annotations: it would not come back after an error.
pub(super) async fn a_last_event_id_that_says_nothing_starts_over(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let (image_id, other) = (user.new_image().await?, user.new_image().await?);
    let created = user.post("/api/annotations", &a_box(&image_id)).await?;
    let path = |image_id: &str| format!("/api/annotations/by-image/{image_id}/watch");
    let events = |path: String| user.request(Method::GET, &path).header("accept", "text/event-stream");
    let first = read_until(&mut events(path(&other)).send().await?, "current").await?;
    let of_another = first.lines().find_map(|line| line.strip_prefix("id: ")).context("no id")?.to_owned();
    for id in ["nonsense".to_owned(), "A".repeat(4_000), of_another] {
        let mut response = events(path(&image_id)).header("last-event-id", &id).send().await?;
        ensure!(response.status() == 200, "{response:?}");
        let text = read_until(&mut response, "current").await?;
        let reset = text.find("reset").context("no reset")?;
        let changed = text.find(created.text("/annotation/id")).context("no annotation")?;
        ensure!(reset < changed, "{text}");
    }
    Ok(())
}

/// Given an image of somebody else, or a token of another image, when it is watched, then that is refused as usual.
pub(super) async fn who_may_not_watch_is_told_so(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let path = format!("/api/annotations/by-image/{}/watch", user.new_image().await?);
    let foreign = target.new_user().get(&path).await?;
    ensure!(foreign.status == 404 && foreign.text("/error") == "Image not found", "{foreign:?}");
    let broken = user.get(&format!("{path}?resume_token=nonsense")).await?;
    ensure!(
        broken.status == 400 && broken.text("/details/1/field_violations/0/field") == "resume_token",
        "{broken:?}"
    );
    Ok(())
}
