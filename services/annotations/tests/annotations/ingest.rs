mod bookmarks;
mod limits;

use std::{num::NonZeroUsize, pin::Pin};

use annotations::Settings;
use futures_util::{Stream, StreamExt as _, stream};
use proto::annotations::v1 as pb;
use runtime::CallerShare;
use storage::Statement;
use tokio::sync::mpsc;
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::fixture::{
    BOBS, CAT, DOG, Fixture, NOBODYS, by, by_any, fields, new_annotation, with_expiring_token,
};

/// The reason of an error, and its `next_offset`.
fn reason_and_next_offset(status: &Status) -> (String, Option<String>) {
    let info = status.get_details_error_info().unwrap();
    (info.reason, info.metadata.get("next_offset").cloned())
}

fn append(offset: i64, annotations: Vec<pb::NewAnnotation>) -> pb::AppendAnnotationsRequest {
    pb::AppendAnnotationsRequest { stream_id: "run-1".to_owned(), offset, annotations }
}

fn message(offset: i64, annotations: Vec<pb::NewAnnotation>) -> pb::IngestAnnotationsRequest {
    pb::IngestAnnotationsRequest { offset, annotations, ..Default::default() }
}

fn opening() -> pb::IngestAnnotationsRequest {
    pb::IngestAnnotationsRequest { stream_id: "run-1".to_owned(), ..Default::default() }
}

fn cats(count: usize) -> Vec<pb::NewAnnotation> {
    vec![new_annotation(CAT); count]
}

type Sender = mpsc::UnboundedSender<pb::IngestAnnotationsRequest>;
type Messages = Pin<Box<dyn Stream<Item = pb::IngestAnnotationsRequest> + Send>>;

impl Fixture {
    async fn append(
        &self,
        offset: i64,
        annotations: Vec<pb::NewAnnotation>,
    ) -> Result<pb::AppendAnnotationsResponse, Status> {
        let request = by("alice", append(offset, annotations));
        Ok(self.client.clone().append_annotations(request).await?.into_inner())
    }

    async fn ingest(
        &self,
        messages: impl Stream<Item = pb::IngestAnnotationsRequest> + Send + 'static,
    ) -> Streaming<pb::IngestAnnotationsResponse> {
        self.client.clone().ingest_annotations(by("alice", messages)).await.unwrap().into_inner()
    }

    /// A producer whose stream is open and empty.
    async fn open_stream(&self) -> (Sender, Streaming<pb::IngestAnnotationsResponse>) {
        self.open_stream_with(|messages| by("alice", messages)).await
    }

    /// A producer whose stream is open and empty, with the token that `request` adds.
    async fn open_stream_with(
        &self,
        request: fn(Messages) -> Request<Messages>,
    ) -> (Sender, Streaming<pb::IngestAnnotationsResponse>) {
        let (sender, messages) = mpsc::unbounded_channel();
        let messages =
            stream::unfold(messages, async |mut from| from.recv().await.map(|message| (message, from)));
        let call = self.client.clone().ingest_annotations(request(Box::pin(messages))).await;
        let mut responses = call.unwrap().into_inner();
        sender.send(opening()).unwrap();
        assert_eq!(responses.next().await.unwrap().unwrap().next_offset, 0);
        (sender, responses)
    }

    async fn next_offset(&self) -> i64 {
        let get = pb::GetIngestStreamRequest { stream_id: "run-1".to_owned() };
        self.client.clone().get_ingest_stream(by("alice", get)).await.unwrap().into_inner().next_offset
    }
}

#[tokio::test]
async fn resent_annotations_are_acknowledged_and_not_stored_again() {
    let fixture = Fixture::start().await;
    assert_eq!(fixture.append(0, cats(3)).await.unwrap().next_offset, 3);
    assert_eq!(fixture.append(0, cats(3)).await.unwrap().next_offset, 3);
    assert_eq!(fixture.append(2, cats(3)).await.unwrap().next_offset, 5);
    assert_eq!(fixture.append(1, cats(1)).await.unwrap().next_offset, 5);
    assert_eq!((fixture.stored().await, fixture.next_offset().await), (5, 5));
}

#[tokio::test]
async fn a_gap_is_rejected_with_the_next_offset() {
    let fixture = Fixture::start().await;
    fixture.append(0, cats(2)).await.unwrap();
    let rejected = fixture.append(3, cats(1)).await.unwrap_err();
    assert_eq!(rejected.code(), Code::OutOfRange);
    assert_eq!(rejected.get_details_error_info().unwrap().metadata["next_offset"], "2");
    assert_eq!(fixture.stored().await, 2);
}

#[tokio::test]
async fn invalid_annotations_are_reported_by_offset_and_the_others_are_stored() {
    let fixture = Fixture::start().await;
    let bad = pb::NewAnnotation { label: String::new(), x: 2.0, ..new_annotation(CAT) };
    let annotations =
        vec![new_annotation(CAT), bad, new_annotation(BOBS), new_annotation(DOG), new_annotation(NOBODYS)];
    let accepted = fixture.append(0, annotations).await.unwrap();
    let reported: Vec<_> =
        accepted.invalid.iter().map(|invalid| (invalid.offset, invalid.field.as_str())).collect();
    assert_eq!(reported, [(1, "label"), (1, "x"), (2, "image_id"), (4, "image_id")]);
    assert_eq!(accepted.invalid[0].reason, "must be 1 to 100 characters");
    assert_eq!((accepted.next_offset, fixture.stored().await), (5, 2));
}

#[tokio::test]
async fn resent_invalid_annotations_are_reported_again() {
    let fixture = Fixture::start().await;
    let unnamed = pb::NewAnnotation { label: String::new(), ..new_annotation(CAT) };
    let annotations = vec![
        new_annotation(CAT),
        unnamed,
        new_annotation(NOBODYS),
        new_annotation(DOG),
        new_annotation(BOBS),
    ];
    let accepted = fixture.append(0, annotations.clone()).await.unwrap();
    assert_eq!(accepted.invalid.len(), 3);
    assert_eq!(fixture.append(0, annotations.clone()).await.unwrap(), accepted);
    assert_eq!(fixture.append(2, annotations[2..].to_vec()).await.unwrap().invalid, accepted.invalid[1..]);
    let responses: Vec<_> =
        fixture.ingest(stream::iter([opening(), message(0, annotations.clone())])).await.collect().await;
    let last = responses.into_iter().last().unwrap().unwrap();
    assert_eq!((last.next_offset, last.invalid), (5, accepted.invalid.clone()));
    assert_eq!((fixture.stored().await, fixture.next_offset().await), (2, 5));

    fixture.images.put(NOBODYS, "alice");
    let now_valid = fixture.append(0, annotations).await.unwrap();
    assert_eq!(
        now_valid.invalid[1].reason,
        "was not an image that exists when this was first sent, or the annotation was deleted since"
    );
    assert_eq!((now_valid.invalid.len(), fixture.stored().await), (3, 2));
}

#[tokio::test]
async fn a_batch_is_stored_in_parts_while_other_callers_write() {
    let fixture = Fixture::start().await;
    fixture.database.contend();
    let mut annotations = cats(100);
    annotations[90].label = String::new();

    let accepted = fixture.append(0, annotations.clone()).await.unwrap();
    let offsets: Vec<_> = accepted.invalid.iter().map(|invalid| invalid.offset).collect();
    assert_eq!((accepted.next_offset, offsets, fixture.stored().await), (100, vec![90], 99));

    // Another writer takes the stream over before the third part.
    let nothing = || Statement::new("SELECT 1");
    let take_over = Statement::new("UPDATE ingest_streams SET writer = 'other'");
    fixture.database.before_writes(vec![take_over, nothing(), nothing(), nothing()]);
    let fenced = fixture.append(100, annotations.clone()).await.unwrap_err();
    assert_eq!(reason_and_next_offset(&fenced).0, "STREAM_FENCED");
    assert_eq!((fixture.next_offset().await, fixture.stored().await), (180, 179));

    let again = fixture.append(100, annotations).await.unwrap();
    assert_eq!((again.next_offset, again.invalid.len(), fixture.stored().await), (200, 1, 198));
}

#[tokio::test]
async fn ids_follow_the_offsets() {
    let fixture = Fixture::start().await;
    fixture.append(0, cats(700)).await.unwrap();
    let list = pb::ListAnnotationsRequest { image_id: CAT.to_owned(), ..Default::default() };
    let listed = fixture.client.clone().list_annotations(by("alice", list)).await.unwrap().into_inner();
    let ids: Vec<_> = listed.annotations.into_iter().map(|annotation| annotation.id).collect();
    assert_eq!(ids.len(), 700);
    assert!(ids.is_sorted_by(|newer, older| newer > older));
    assert!(ids.iter().all(|id| id[..20] == ids[0][..20]), "all ids are of one stream");
}

#[tokio::test]
async fn annotations_of_a_concurrently_purged_image_are_reported_and_the_others_are_stored() {
    let fixture = Fixture::start().await;
    let purge = Statement::new("DELETE FROM images WHERE id = ?1").bind(DOG);
    let noop = Statement::new("UPDATE images SET filename = filename");
    fixture.create(new_annotation(DOG)).await;
    fixture.images.delete(DOG);
    fixture.database.before_writes(vec![purge, noop]);
    let accepted = fixture.append(0, vec![new_annotation(CAT), new_annotation(DOG)]).await.unwrap();
    assert_eq!((accepted.next_offset, accepted.invalid.len()), (2, 1));
    assert_eq!((accepted.invalid[0].offset, fixture.stored().await), (1, 1));
}

#[tokio::test]
async fn each_user_has_separate_streams() {
    let fixture = Fixture::start().await;
    fixture.append(0, cats(2)).await.unwrap();
    let get = pb::GetIngestStreamRequest { stream_id: "run-1".to_owned() };
    let unknown = fixture.client.clone().get_ingest_stream(by("bob", get)).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let request = by_any("server", append(0, vec![new_annotation(BOBS)]));
    let own = fixture.client.clone().append_annotations(request).await.unwrap().into_inner();
    assert_eq!((own.next_offset, fixture.next_offset().await, fixture.stored().await), (1, 2, 3));
}

#[tokio::test]
async fn requests_beyond_the_limits_are_rejected() {
    let fixture = Fixture::start().await;
    assert_eq!(fixture.append(0, cats(5_000)).await.unwrap().next_offset, 5_000);
    assert_eq!(fields(&fixture.append(5_000, cats(5_001)).await.unwrap_err()), ["annotations"]);
    assert_eq!(fields(&fixture.append(-1, cats(1)).await.unwrap_err()), ["offset"]);
    let nameless = pb::AppendAnnotationsRequest { stream_id: "a/b".to_owned(), ..append(0, cats(1)) };
    let rejected = fixture.client.clone().append_annotations(by("alice", nameless)).await.unwrap_err();
    assert_eq!(fields(&rejected), ["stream_id"]);
}

#[tokio::test]
async fn a_producer_receives_the_next_offset_and_resumes_there() {
    let fixture = Fixture::start().await;
    fixture.append(0, cats(2)).await.unwrap();
    let (sender, messages) = mpsc::unbounded_channel();
    let mut responses = fixture
        .ingest(stream::unfold(messages, async |mut messages| {
            messages.recv().await.map(|message| (message, messages))
        }))
        .await;
    sender.send(opening()).unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap().next_offset, 2);
    sender.send(message(1, cats(3))).unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap().next_offset, 4);
    drop(sender);
    assert!(responses.next().await.is_none());
    assert_eq!(fixture.stored().await, 4);
}

#[tokio::test]
async fn waiting_messages_are_stored_together() {
    let fixture = Fixture::start().await;
    let mut messages = vec![opening()];
    messages.extend((0..50).map(|n| message(n * 10, cats(10))));
    let responses: Vec<_> = fixture.ingest(stream::iter(messages)).await.collect().await;
    let offsets: Vec<_> = responses.into_iter().map(|response| response.unwrap().next_offset).collect();
    assert_eq!(offsets.last(), Some(&500));
    assert!(offsets.len() < 50 && offsets.is_sorted(), "{offsets:?}");
    assert_eq!(fixture.stored().await, 500);
}

#[tokio::test]
async fn a_second_writer_ends_the_call_of_the_first() {
    let fixture = Fixture::start().await;
    let (sender, mut responses) = fixture.open_stream().await;
    fixture.append(0, cats(1)).await.unwrap();
    sender.send(message(0, cats(2))).unwrap();
    let fenced = responses.next().await.unwrap().unwrap_err();
    assert_eq!((fenced.code(), fixture.stored().await), (Code::Aborted, 1));
}

#[tokio::test]
async fn a_call_with_two_streams_or_a_gap_is_rejected() {
    let fixture = Fixture::start().await;
    let other = pb::IngestAnnotationsRequest { stream_id: "run-2".to_owned(), ..message(0, cats(1)) };
    for (wrong, code) in [
        (vec![message(0, cats(1))], Code::InvalidArgument),
        (vec![opening(), other], Code::InvalidArgument),
        (vec![opening(), message(1, cats(1))], Code::OutOfRange),
    ] {
        let responses: Vec<_> = fixture.ingest(stream::iter(wrong)).await.collect().await;
        assert_eq!(responses.last().unwrap().as_ref().unwrap_err().code(), code);
    }
    assert_eq!(fixture.stored().await, 0);
}

/// The code and the reason of the error that ended a call, and the retry delay in seconds.
fn ended(status: &Status) -> (Code, String, Option<u64>) {
    let reason = status.get_details_error_info().unwrap().reason;
    let delay = status.get_details_retry_info().and_then(|retry| retry.retry_delay);
    (status.code(), reason, delay.map(|delay| delay.as_secs()))
}

#[tokio::test]
async fn a_producer_that_sends_nothing_for_50_seconds_is_disconnected_with_a_retry_delay() {
    let fixture = Fixture::start().await;
    let (sender, mut responses) = fixture.open_stream().await;
    let mut waiting = Box::pin(responses.next());
    assert!(futures_util::poll!(&mut waiting).is_pending());
    fixture.clock.advance_millis(49_999);
    assert!(futures_util::poll!(&mut waiting).is_pending());
    fixture.clock.advance_millis(1);
    let idle = waiting.await.unwrap().unwrap_err();
    assert_eq!(ended(&idle), (Code::Unavailable, "STREAM_IDLE".to_owned(), Some(1)));
    drop(sender);
}

#[tokio::test]
async fn a_server_that_shuts_down_acknowledges_what_is_stored_and_ends_the_call() {
    let fixture = Fixture::start().await;
    let (sender, mut responses) = fixture.open_stream().await;
    sender.send(message(0, cats(2))).unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap().next_offset, 2);
    fixture.drain.begin();
    sender.send(message(2, cats(2))).unwrap();
    let stopping = responses.next().await.unwrap().unwrap_err();
    assert_eq!(ended(&stopping), (Code::Unavailable, "SERVER_STOPPING".to_owned(), Some(1)));
    assert_eq!((fixture.stored().await, fixture.next_offset().await), (2, 2));
}

#[tokio::test]
async fn a_silent_stream_ends_when_its_token_expires() {
    let fixture = Fixture::start().await;
    let (sender, mut responses) =
        fixture.open_stream_with(|messages| with_expiring_token("alice", messages)).await;
    sender.send(message(0, cats(2))).unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap().next_offset, 2, "what is stored is acknowledged");
    let mut waiting = Box::pin(responses.next());
    assert!(futures_util::poll!(&mut waiting).is_pending());
    fixture.clock.advance_millis(29_999);
    assert!(futures_util::poll!(&mut waiting).is_pending());
    fixture.clock.advance_millis(1);
    let expired = waiting.await.unwrap().unwrap_err();
    assert_eq!(ended(&expired), (Code::Unauthenticated, "TOKEN_EXPIRED".to_owned(), None));
    let what_to_do = "Open the stream again with a new token: it resumes at `next_offset`.";
    assert_eq!(expired.message(), format!("The token has expired. {what_to_do}"));
    assert_eq!(fixture.append(2, cats(1)).await.unwrap().next_offset, 3, "with another token");
}

#[tokio::test]
async fn a_producer_that_never_pauses_stores_nothing_after_its_token_has_expired() {
    let fixture = Fixture::start().await;
    let (sender, mut responses) =
        fixture.open_stream_with(|messages| with_expiring_token("alice", messages)).await;
    sender.send(message(0, cats(2))).unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap().next_offset, 2);
    sender.send(message(2, cats(2))).unwrap();
    fixture.clock.advance_millis(30_000);
    assert_eq!(responses.next().await.unwrap().unwrap_err().code(), Code::Unauthenticated);
    assert!(responses.next().await.is_none());
    assert_eq!((fixture.stored().await, fixture.next_offset().await), (2, 2));
}

#[tokio::test]
async fn a_stream_that_was_rewound_by_a_restore_ends_with_the_offset_to_resend_from() {
    let fixture = Fixture::start().await;
    let (sender, mut responses) = fixture.open_stream().await;
    sender.send(message(0, cats(3))).unwrap();
    assert_eq!(responses.next().await.unwrap().unwrap().next_offset, 3);
    // The backup has one annotation and another writer.
    for restored in [
        "DELETE FROM annotations WHERE id <> (SELECT min(id) FROM annotations)",
        "UPDATE ingest_streams SET next_offset = 1, writer = 'an earlier one'",
    ] {
        fixture.database.execute(Statement::new(restored)).await;
    }
    sender.send(message(3, cats(1))).unwrap();
    let rewound = responses.next().await.unwrap().unwrap_err();
    assert_eq!(rewound.code(), Code::Aborted);
    assert_eq!(reason_and_next_offset(&rewound), ("STREAM_REWOUND".to_owned(), Some("1".to_owned())));
    let gap = fixture.append(3, cats(1)).await.unwrap_err();
    assert_eq!(gap.code(), Code::OutOfRange);
    assert_eq!(reason_and_next_offset(&gap), ("OFFSET_GAP".to_owned(), Some("1".to_owned())));
    assert!(gap.message().contains("restored from a backup"), "{}", gap.message());
    assert_eq!(fixture.append(1, cats(3)).await.unwrap().next_offset, 4);
    assert_eq!(fixture.stored().await, 4);
}
