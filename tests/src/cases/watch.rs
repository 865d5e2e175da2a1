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

use crate::{
    Target, User,
    fixtures::{self, new_annotation},
    grpc,
};

/// How long a change may take to arrive on a busy machine.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// How many changes happen while the watcher is disconnected again and again.
const CHANGES: usize = 300;

/// The label of the last change.
pub(super) const LAST: &str = "the last one";

/// What a watcher has received.
#[derive(Debug, Default)]
struct Received {
    token: String,
    annotations: BTreeMap<String, (String, String)>,
    /// The ids and etags that must not be received again.
    once: BTreeSet<(String, String)>,
    has_last: bool,
    has_been_current: bool,
}

impl Received {
    /// Applies one event. Returns whether the state is the final one: the last change was received, and also `current`,
    /// before which a snapshot may hold the last change while earlier changes are still to come.
    fn apply(&mut self, event: Option<Event>) -> anyhow::Result<bool> {
        match event.context("a message without an event")? {
            Event::Changed(changed) => {
                self.has_last |= changed.label == LAST;
                self.receive_once(changed.id.clone(), changed.etag.clone())?;
                self.annotations.insert(changed.id, (changed.label, changed.etag));
            }
            Event::Removed(removed) => {
                self.annotations.remove(&removed.id);
                self.receive_once(removed.id, "removed".to_owned())?;
            }
            Event::Current(_) => self.has_been_current = true,
            Event::Reset(_) => bail!("there is a reset though the resume token is valid"),
        }
        Ok(self.has_last && self.has_been_current)
    }

    fn receive_once(&mut self, id: String, etag: String) -> anyhow::Result<()> {
        let once = (id, etag);
        ensure!(!self.once.contains(&once), "{once:?} was received twice");
        self.once.insert(once);
        Ok(())
    }
}

/// Pseudo-random numbers, the same in every run.
fn pseudo_random() -> impl FnMut(usize) -> usize {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    move |limit| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).unwrap_or_default() % limit
    }
}

/// Creates, relabels and deletes annotations of the image in a pseudo-random order.
pub(super) async fn make_changes(user: User, image_id: String) -> anyhow::Result<()> {
    let (mut random, mut ids) = (pseudo_random(), Vec::new());
    for n in 0..CHANGES {
        let label = json!({"label": format!("change {n}")});
        let response = match random(5) {
            0 if ids.len() > 2 => {
                user.delete(&format!("/api/annotations/{}", ids.swap_remove(random(ids.len())))).await?
            }
            1 | 2 if !ids.is_empty() => {
                user.patch(&format!("/api/annotations/{}", ids[random(ids.len())]), &label).await?
            }
            3 => {
                let annotations = vec![new_annotation(&image_id); 3];
                let response =
                    user.post("/api/annotations/bulk", &json!({"annotations": annotations})).await?;
                let new = response.json["ids"].as_array().cloned().unwrap_or_default();
                ids.extend(new.iter().filter_map(Value::as_str).map(str::to_owned));
                response
            }
            _ => {
                let response = user.post("/api/annotations", &new_annotation(&image_id)).await?;
                ids.push(response.text("/annotation/id").to_owned());
                response
            }
        };
        ensure!(response.status < 300, "{response:?}");
    }
    let mut last = new_annotation(&image_id);
    last["label"] = json!(LAST);
    ensure!(user.post("/api/annotations", &last).await?.status == 201);
    Ok(())
}

/// Watches until the final state. Ends each call after a few events, and resumes with the next call.
async fn watch(user: User, image_id: String) -> anyhow::Result<Received> {
    let (mut random, mut received) = (pseudo_random(), Received::default());
    let addresses = [user.target.annotations, user.target.gateway];
    loop {
        let address = addresses[random(addresses.len())];
        let mut client = grpc::annotations(user.target.protocol, address, &user.token).await?;
        let (image_id, resume_token) = (image_id.clone(), received.token.clone());
        let request = WatchAnnotationsRequest { image_id, resume_token, ..Default::default() };
        let mut messages = client.watch_annotations(request).await?.into_inner();
        for _ in 0..=random(12) {
            let next = timeout(MAX_WAIT, messages.message())
                .await
                .context("no message within the maximum wait")??;
            let Some(message) = next else { break };
            received.token = message.resume_token;
            if received.apply(message.event)? {
                return Ok(received);
            }
        }
    }
}

/// Given a watcher that is disconnected at random, when hundreds of changes happen, then it ends in the same state as the
/// server, and receives no change twice.
pub(super) async fn a_disconnected_watcher_receives_each_change_once(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    user.post("/api/annotations", &new_annotation(&image_id)).await?;
    let (received, ()) = tokio::try_join!(
        watch(user.clone(), image_id.clone()),
        make_changes(user.clone(), image_id.clone())
    )?;
    let listed = user.get(&format!("/api/annotations/by-image/{image_id}")).await?;
    let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
    let annotations = listed.json["annotations"].as_array().context("no list")?;
    let expected: BTreeMap<_, _> =
        annotations.iter().map(|one| (text(one, "id"), (text(one, "label"), text(one, "etag")))).collect();
    ensure!(received.annotations == expected, "received {:?}, listed {expected:?}", received.annotations);
    Ok(())
}

/// Reads the text of an endless response up to the first chunk after which it contains `end`.
async fn read_until(response: &mut reqwest::Response, end: &str) -> anyhow::Result<String> {
    Ok(String::from_utf8(fixtures::read_until(response, end, MAX_WAIT).await?)?)
}

/// Given HTTP, when an image is watched, then `Accept` selects lines or events, and `Last-Event-ID` resumes the watch.
pub(super) async fn changes_are_sent_as_lines_or_events_at_once(target: Target) -> anyhow::Result<()> {
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
    let created = user.post("/api/annotations", &new_annotation(&image_id)).await?;
    let line: Value = serde_json::from_str(&read_until(&mut lines, "\n").await?)?;
    ensure!(line["changed"] == created.json["annotation"], "{line}");
    let event = read_until(&mut events, "\n\n").await?;
    ensure!(
        event.contains(&format!("data: {{\"changed\":{{\"id\":\"{}\"", created.text("/annotation/id"))),
        "{event}"
    );
    let resumed = user.request(Method::GET, &path).header("accept", "text/event-stream");
    let missed = read_until(&mut resumed.header("last-event-id", id).send().await?, "current").await?;
    ensure!(missed.contains(created.text("/annotation/id")), "{missed}");
    Ok(())
}

/// Given a browser whose last event's id is no token, or one of another image, when it connects, then it receives `reset` and
/// the annotations: after an error it would not reconnect.
pub(super) async fn an_invalid_last_event_id_restarts_the_watch(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let (image_id, other) = (user.new_image().await?, user.new_image().await?);
    let created = user.post("/api/annotations", &new_annotation(&image_id)).await?;
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

/// Given another user's image, or an invalid resume token, when it is watched, then the call is rejected.
pub(super) async fn an_unauthorized_watch_is_rejected(target: Target) -> anyhow::Result<()> {
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
