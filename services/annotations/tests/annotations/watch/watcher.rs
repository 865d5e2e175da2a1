//! A watcher, and the state that it has received.

use std::{collections::BTreeMap, time::Duration};

use futures_util::StreamExt as _;
use proto::annotations::v1::{
    self as pb,
    watch_annotations_response::Event::{self, Changed, Current, Removed, Reset},
};
use storage::Statement;
use tonic::{Request, Status, Streaming};

use crate::fixture::{CAT, Fixture, by, new_annotation};

/// A watcher of an image, its last resume token, and the annotations that it knows.
pub(super) struct Watcher {
    pub(super) messages: Streaming<pb::WatchAnnotationsResponse>,
    pub(super) token: String,
    pub(super) state: BTreeMap<String, pb::Annotation>,
}

impl Fixture {
    pub(super) async fn try_watch(&self, image_id: &str, resume_token: &str) -> Result<Watcher, Status> {
        let request = pb::WatchAnnotationsRequest {
            image_id: image_id.to_owned(),
            resume_token: resume_token.to_owned(),
            ..Default::default()
        };
        self.watch_by(by("alice", request)).await
    }

    pub(super) async fn watch_by(
        &self,
        request: Request<pb::WatchAnnotationsRequest>,
    ) -> Result<Watcher, Status> {
        let token = request.get_ref().resume_token.clone();
        let messages = self.client.clone().watch_annotations(request).await?.into_inner();
        Ok(Watcher { messages, token, state: BTreeMap::new() })
    }

    pub(super) async fn watch(&self, image_id: &str) -> Watcher {
        self.try_watch(image_id, "").await.unwrap()
    }

    /// A watcher that has received the snapshot.
    pub(super) async fn watch_from_now(&self, image_id: &str) -> Watcher {
        let mut watcher = self.watch(image_id).await;
        watcher.until_current().await;
        watcher
    }

    /// Stores an annotation that is newer than all others.
    pub(super) async fn annotate(&self, image_id: &str) -> pb::Annotation {
        self.clock.advance_millis(1);
        self.create(new_annotation(image_id)).await
    }

    pub(super) async fn relabel(&self, id: &str, label: &str) -> pb::Annotation {
        let annotation = pb::Annotation { id: id.to_owned(), label: label.to_owned(), ..Default::default() };
        let request = pb::UpdateAnnotationRequest { annotation: Some(annotation), update_mask: None };
        let response = self.client.clone().update_annotation(by("alice", request)).await.unwrap();
        response.into_inner().annotation.unwrap()
    }

    pub(super) async fn delete(&self, id: &str) {
        let request = pb::DeleteAnnotationRequest { annotation_id: id.to_owned(), ..Default::default() };
        self.client.clone().delete_annotation(by("alice", request)).await.unwrap();
    }

    pub(super) async fn append_cats(&self, offset: i64, count: usize) {
        let annotations = vec![new_annotation(CAT); count];
        let request = pb::AppendAnnotationsRequest { stream_id: "run".to_owned(), offset, annotations };
        self.client.clone().append_annotations(by("alice", request)).await.unwrap();
    }

    pub(super) async fn in_the_database(&self, sql: &'static str) {
        self.database.execute(Statement::new(sql)).await;
    }
}

impl Watcher {
    pub(super) async fn try_next(&mut self) -> Option<Result<Event, Status>> {
        let next = tokio::time::timeout(Duration::from_secs(20), self.messages.next());
        let message = match next.await.unwrap()? {
            Ok(message) => message,
            Err(status) => return Some(Err(status)),
        };
        let event = message.event.unwrap();
        match &event {
            Changed(annotation) => drop(self.state.insert(annotation.id.clone(), (**annotation).clone())),
            Removed(removed) => drop(self.state.remove(&removed.id)),
            Reset(_) => self.state.clear(),
            Current(_) => {}
        }
        self.token = message.resume_token;
        Some(Ok(event))
    }

    pub(super) async fn next(&mut self) -> Event {
        self.try_next().await.unwrap().unwrap()
    }

    /// The events up to and including the next `current`.
    pub(super) async fn until_current(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while !matches!(events.last(), Some(Current(_))) {
            events.push(self.next().await);
        }
        events
    }
}

pub(super) fn current() -> Event {
    Current(pb::Current {})
}

pub(super) fn changed(annotation: &pb::Annotation) -> Event {
    Changed(Box::new(annotation.clone()))
}

pub(super) fn removed(annotation: &pb::Annotation) -> Event {
    Removed(pb::Removed { id: annotation.id.clone() })
}
