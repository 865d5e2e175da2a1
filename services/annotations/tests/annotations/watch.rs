//! `WatchAnnotations`.

mod restored;
mod watcher;

use std::{collections::BTreeSet, num::NonZeroUsize, time::Duration};

use aip::MAX_TOKEN_CHARACTERS;
use annotations::Settings;
use futures_util::future::join_all;
use proto::annotations::v1::{
    self as pb,
    watch_annotations_response::Event::{Changed, Reset},
};
use storage::{BOOKMARK_HEADER, Bookmark};
use tonic::Code;
use tonic_types::StatusExt as _;

use self::watcher::{Watcher, changed, current, removed};
use crate::fixture::{BOBS, CAT, DOG, Fixture, NOBODYS, by, fields, new_annotation, with_expiring_token};

#[tokio::test]
async fn a_watcher_receives_the_annotations_and_then_each_change_of_this_process_at_once() {
    let fixture = Fixture::start().await;
    let (first, second) = (fixture.annotate(CAT).await, fixture.annotate(CAT).await);
    let mut watcher = fixture.watch(CAT).await;
    assert_eq!(watcher.until_current().await, [changed(&first), changed(&second), current()]);
    let third = fixture.annotate(CAT).await;
    fixture.annotate(DOG).await;
    assert_eq!(watcher.next().await, changed(&third));
    let relabelled = fixture.relabel(&first.id, "bus").await;
    assert_eq!(watcher.next().await, changed(&relabelled));
    fixture.delete(&second.id).await;
    assert_eq!(watcher.next().await, removed(&second));
    fixture.append_cats(0, 2).await;
    assert!(matches!(watcher.next().await, Changed(_)) && matches!(watcher.next().await, Changed(_)));
    assert_eq!(watcher.state.len(), 4);
}

#[tokio::test]
async fn a_change_of_another_process_is_sent_within_a_second() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    let request = by("alice", pb::CreateAnnotationRequest { annotation: Some(new_annotation(CAT)) });
    let theirs =
        fixture.other_process().create_annotation(request).await.unwrap().into_inner().annotation.unwrap();
    let waiting = async { watcher.next().await };
    let (event, ()) = tokio::join!(waiting, async { fixture.clock.advance_millis(1_000) });
    assert_eq!(event, changed(&theirs));
}

#[tokio::test]
async fn a_resumed_watcher_receives_each_missed_change_once() {
    let fixture = Fixture::start().await;
    let (kept, gone) = (fixture.annotate(CAT).await, fixture.annotate(CAT).await);
    let token = fixture.watch_from_now(CAT).await.token;
    let passing = fixture.annotate(CAT).await;
    fixture.relabel(&kept.id, "bus").await;
    fixture.delete(&gone.id).await;
    fixture.delete(&passing.id).await;
    let last = fixture.relabel(&kept.id, "tram").await;
    let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
    // In the order of the change log, each annotation in its present state.
    assert_eq!(watcher.until_current().await, [removed(&gone), removed(&passing), changed(&last), current()]);
    let mut again = fixture.try_watch(CAT, &watcher.token).await.unwrap();
    assert_eq!(again.until_current().await, [current()]);
}

#[tokio::test]
async fn a_watcher_that_resumes_during_the_snapshot_receives_the_rest() {
    let fixture = Fixture::start().await;
    let mut annotations = Vec::new();
    for _ in 0..4 {
        annotations.push(fixture.annotate(CAT).await);
    }
    let mut watcher = fixture.watch(CAT).await;
    assert_eq!(
        [watcher.next().await, watcher.next().await],
        [changed(&annotations[0]), changed(&annotations[1])]
    );
    fixture.delete(&annotations[0].id).await;
    fixture.delete(&annotations[3].id).await;
    let mut again = fixture.try_watch(CAT, &watcher.token).await.unwrap();
    // The fourth annotation was never sent, so its removal is not sent either.
    assert_eq!(again.until_current().await, [changed(&annotations[2]), removed(&annotations[0]), current()]);
}

#[tokio::test]
async fn a_watcher_that_resumes_repeatedly_during_the_snapshot_receives_each_annotation_once() {
    let fixture = Fixture::start().await;
    let mut events = Vec::new();
    let mut token = String::new();
    fixture.annotate(CAT).await;
    fixture.annotate(CAT).await;
    for _ in 0..4 {
        let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
        events.push(watcher.next().await);
        token = watcher.token;
        fixture.annotate(CAT).await;
        fixture.annotate(CAT).await;
    }
    let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
    events.extend(watcher.until_current().await);
    let ids: BTreeSet<_> = events
        .iter()
        .filter_map(|event| match event {
            Changed(annotation) => Some(&annotation.id),
            _ => None,
        })
        .collect();
    assert_eq!((events.len(), ids.len()), (11, 10), "ten annotations, each once, and `current`");
}

#[tokio::test]
async fn a_change_during_the_snapshot_is_sent_once() {
    let fixture = Fixture::start().await;
    fixture.append_cats(0, 2_500).await;
    let mut watcher = fixture.watch(CAT).await;
    let Changed(first) = watcher.next().await else { panic!("no annotation") };
    let list = pb::ListAnnotationsRequest { image_id: CAT.to_owned(), ..Default::default() };
    let newest = fixture.client.clone().list_annotations(by("alice", list)).await.unwrap().into_inner();
    let last = fixture.relabel(&newest.annotations[0].id, "bus").await;
    let first = fixture.relabel(&first.id, "tram").await;
    let events = watcher.until_current().await;
    assert_eq!(events.iter().filter(|event| **event == changed(&last)).count(), 1);
    assert_eq!(events[2_499..], [changed(&first), current()]);
    assert_eq!((events.len(), watcher.state.len()), (2_501, 2_500));
}

#[tokio::test]
async fn a_slow_watcher_receives_all_changes() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    let mut quick = fixture.watch_from_now(CAT).await;
    for offset in [0, 5_000] {
        fixture.append_cats(offset, 5_000).await;
        for _ in 0..5_000 {
            assert!(matches!(quick.next().await, Changed(_)));
        }
    }
    for _ in 0..10_000 {
        assert!(matches!(watcher.next().await, Changed(_)));
    }
    assert_eq!((watcher.state.len(), quick.state.len()), (10_000, 10_000));
}

#[tokio::test]
async fn a_watcher_whose_changes_were_trimmed_is_reset() {
    let fixture = Fixture::start().await;
    let first = fixture.annotate(CAT).await;
    let token = fixture.watch_from_now(CAT).await.token;
    let second = fixture.annotate(CAT).await;
    fixture.annotate(CAT).await;
    fixture.in_the_database("DELETE FROM annotation_changes WHERE seq <= 2").await;
    fixture.in_the_database("DELETE FROM annotations WHERE id = (SELECT max(id) FROM annotations)").await;
    let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
    let events = watcher.until_current().await;
    assert_eq!(events, [Reset(pb::Reset {}), changed(&first), changed(&second), current()]);
    // A log that is shorter than the position in the token is another log.
    fixture.in_the_database("UPDATE annotation_changes SET seq = 1").await;
    let events = fixture.try_watch(CAT, &watcher.token).await.unwrap().until_current().await;
    assert_eq!(events[0], Reset(pb::Reset {}));
}

#[tokio::test]
async fn the_change_log_keeps_its_last_250000_records() {
    let fixture = Fixture::start().await;
    fixture.annotate(CAT).await;
    fixture.annotate(CAT).await;
    fixture.in_the_database("UPDATE annotation_changes SET seq = seq + 999").await;
    fixture
        .in_the_database(
            "INSERT INTO annotation_changes (seq, image_id, first_id, last_id) VALUES (250999, '', '', '')",
        )
        .await;
    fixture.annotate(CAT).await;
    // The insert of a record whose number is a multiple of 1,000 trims the log: 251,000 removes the records up to 1,000.
    let kept = fixture.database.numbers("SELECT seq AS n FROM annotation_changes ORDER BY seq").await;
    assert_eq!(kept, [1_001, 250_999, 251_000], "record 1000 was removed");
    let token = fixture.watch_from_now(CAT).await.token;
    assert_eq!(fixture.try_watch(CAT, &token).await.unwrap().until_current().await, [current()]);
}

#[tokio::test]
async fn without_changes_current_is_sent_every_15_seconds_with_a_newer_token() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    let before = watcher.token.clone();
    fixture.annotate(DOG).await;
    let waiting = async { watcher.next().await };
    let (event, ()) = tokio::join!(waiting, async {
        for _ in 0..15 {
            fixture.clock.advance_millis(1_000);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(event, current());
    assert_ne!(watcher.token, before);
}

#[tokio::test]
async fn watches_continue_when_the_machines_time_is_set_back() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    fixture.clock.set_back_millis(3_600_000);
    let (event, ()) = tokio::join!(async { watcher.next().await }, async {
        for _ in 0..15 {
            fixture.clock.advance_millis(1_000);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(event, current(), "the heartbeat is sent");
    let request = by("alice", pb::CreateAnnotationRequest { annotation: Some(new_annotation(CAT)) });
    let theirs =
        fixture.other_process().create_annotation(request).await.unwrap().into_inner().annotation.unwrap();
    let (event, ()) =
        tokio::join!(async { watcher.next().await }, async { fixture.clock.advance_millis(1_000) });
    assert_eq!(event, changed(&theirs), "changes of another process are read");
}

#[tokio::test]
async fn a_call_ends_after_30_minutes_and_resumes_by_its_token() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    fixture.clock.advance_millis(30 * 60 * 1_000);
    assert!(watcher.try_next().await.is_none());
    assert_eq!(fixture.try_watch(CAT, &watcher.token).await.unwrap().until_current().await, [current()]);
}

#[tokio::test]
async fn a_watch_ends_when_its_token_expires_and_resumes_with_another() {
    let fixture = Fixture::start().await;
    let request = pb::WatchAnnotationsRequest { image_id: CAT.to_owned(), ..Default::default() };
    let mut watcher = fixture.watch_by(with_expiring_token("alice", request)).await.unwrap();
    watcher.until_current().await;
    let waiting = async {
        loop {
            match watcher.try_next().await.unwrap() {
                Ok(event) => assert_eq!(event, current()),
                Err(expired) => break expired,
            }
        }
    };
    let (expired, ()) = tokio::join!(waiting, async {
        for _ in 0..30 {
            fixture.clock.advance_millis(1_000);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(expired.code(), Code::Unauthenticated);
    assert_eq!(expired.get_details_error_info().unwrap().reason, "TOKEN_EXPIRED");
    let what_to_do = "Watch again with a new token and the last `resume_token`.";
    assert_eq!(expired.message(), format!("The token has expired. {what_to_do}"));
    let missed = fixture.annotate(CAT).await;
    let mut again = fixture.try_watch(CAT, &watcher.token).await.unwrap();
    assert_eq!(again.until_current().await, [changed(&missed), current()]);
}

#[tokio::test]
async fn many_idle_watchers_read_the_database_once_a_second() {
    let fixture = Fixture::start().await;
    let mut watchers = Vec::new();
    for _ in 0..50 {
        watchers.push(fixture.watch_from_now(CAT).await);
    }
    fixture.database.take_count();
    let all = join_all(watchers.iter_mut().map(Watcher::next));
    let each_second = async {
        let mut reads = 0;
        for _ in 0..15 {
            fixture.clock.advance_millis(1_000);
            reads += fixture.next_statements().await;
        }
        reads
    };
    let both = async { tokio::join!(all, each_second) };
    let (events, reads) =
        tokio::time::timeout(Duration::from_secs(30), both).await.expect("a read after each second");
    assert!(events.iter().all(|event| *event == current()));
    let reads = reads + fixture.database.take_count();
    assert!((15..=16).contains(&reads), "{reads}");
}

#[tokio::test]
async fn a_watcher_that_leaves_while_it_reads_for_all_is_replaced() {
    let fixture = Fixture::start().await;
    let (mut leaving, mut staying) = (fixture.watch_from_now(CAT).await, fixture.watch_from_now(CAT).await);
    let created = fixture.annotate(CAT).await;
    let held = fixture.database.hold_reads().await;
    assert!(futures_util::poll!(Box::pin(leaving.next())).is_pending());
    drop(leaving);
    drop(held);
    assert_eq!(staying.next().await, changed(&created));
}

#[tokio::test]
async fn a_watch_without_access_or_with_a_wrong_token_is_rejected() {
    let fixture = Fixture::start().await;
    for image in [BOBS, NOBODYS] {
        let rejected = fixture.try_watch(image, "").await.err().unwrap();
        assert_eq!((rejected.code(), rejected.message()), (Code::NotFound, "Image not found"));
    }
    let dogs = fixture.watch_from_now(DOG).await.token;
    for token in [dogs.as_str(), "nonsense"] {
        assert_eq!(fields(&fixture.try_watch(CAT, token).await.err().unwrap()), ["resume_token"]);
    }
    assert_eq!(fields(&fixture.try_watch("cat", "").await.err().unwrap()), ["image_id"]);
}

#[tokio::test]
async fn a_browser_with_an_invalid_last_event_id_is_reset() {
    let fixture = Fixture::start().await;
    let drawn = fixture.annotate(CAT).await;
    let dogs = fixture.watch_from_now(DOG).await.token;
    for last_event_id in [dogs.as_str(), "nonsense", &"A".repeat(50_000)] {
        let last_event_id = last_event_id.to_owned();
        let request =
            pb::WatchAnnotationsRequest { image_id: CAT.to_owned(), last_event_id, ..Default::default() };
        let mut watcher = fixture.watch_by(by("alice", request)).await.unwrap();
        assert_eq!(watcher.until_current().await, [Reset(pb::Reset {}), changed(&drawn), current()]);
    }
    let cats = fixture.watch_from_now(CAT).await.token;
    // The URL keeps the first token; the header has the latest one.
    let request = pb::WatchAnnotationsRequest {
        image_id: CAT.to_owned(),
        resume_token: "nonsense".to_owned(),
        last_event_id: cats,
    };
    assert_eq!(fixture.watch_by(by("alice", request)).await.unwrap().until_current().await, [current()]);
}

#[tokio::test]
async fn a_token_that_is_too_long_is_rejected() {
    let fixture = Fixture::start().await;
    let token = "A".repeat(MAX_TOKEN_CHARACTERS + 1);
    assert_eq!(fields(&fixture.try_watch(CAT, &token).await.err().unwrap()), ["resume_token"]);
}

#[tokio::test]
async fn a_watch_ends_with_not_found_within_a_second_of_the_deletion() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    let mut of_another_image = fixture.watch_from_now(DOG).await;
    let token = watcher.token.clone();
    fixture.annotate(CAT).await;
    fixture.delete_image(CAT).await;
    fixture.clock.advance_millis(1_000);
    let ended = watcher.try_next().await.unwrap().unwrap_err();
    assert_eq!(
        (ended.code(), ended.message()),
        (Code::NotFound, "Image not found"),
        "instead of its last change"
    );
    assert!(watcher.try_next().await.is_none());
    for token in ["", &token] {
        assert_eq!(fixture.try_watch(CAT, token).await.err().unwrap().code(), Code::NotFound);
    }
    let created = fixture.annotate(DOG).await;
    assert_eq!(of_another_image.next().await, changed(&created));
}

#[tokio::test]
async fn a_watch_continues_if_a_deletion_is_undone_before_it_is_read() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    let token = watcher.token.clone();
    fixture.delete_image(CAT).await;
    fixture.undelete_image(CAT).await;
    let created = fixture.annotate(CAT).await;
    assert_eq!(watcher.next().await, changed(&created));
    let mut resumed = fixture.try_watch(CAT, &token).await.unwrap();
    assert_eq!(resumed.until_current().await, [changed(&created), current()]);
}

#[tokio::test]
async fn a_server_that_shuts_down_ends_the_calls_and_they_resume_elsewhere() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    let (event, ()) = tokio::join!(watcher.try_next(), async { fixture.drain.begin() });
    assert!(event.is_none());
    let created = fixture.annotate(CAT).await;
    let request = pb::WatchAnnotationsRequest {
        image_id: CAT.to_owned(),
        resume_token: watcher.token,
        ..Default::default()
    };
    let mut elsewhere =
        fixture.other_process().watch_annotations(by("alice", request)).await.unwrap().into_inner();
    assert_eq!(elsewhere.message().await.unwrap().unwrap().event, Some(changed(&created)));
}

#[tokio::test]
async fn a_forged_bookmark_affects_only_the_callers_own_reads() {
    let fixture = Fixture::start().await;
    let mut other = fixture.watch_from_now(CAT).await;
    let forged = |mark: &Option<Bookmark>| mark.as_ref().is_some_and(|mark| mark.as_str() == "zzz");
    let request = pb::WatchAnnotationsRequest { image_id: CAT.to_owned(), ..Default::default() };
    let mut request = by("alice", request);
    request.metadata_mut().insert(BOOKMARK_HEADER, "zzz".parse().unwrap());
    let mut messages = fixture.client.clone().watch_annotations(request).await.unwrap().into_inner();
    assert!(messages.message().await.unwrap().is_some());
    let before = fixture.database.bookmarks();
    assert!(before.iter().any(forged), "the caller's own reads");
    let drawn = fixture.annotate(CAT).await;
    assert_eq!(other.next().await, changed(&drawn));
    assert!(!fixture.database.bookmarks()[before.len()..].iter().any(forged), "the reads of others");
}

#[tokio::test]
async fn a_watch_beyond_the_limit_is_rejected_with_a_retry_delay() {
    let settings = Settings { max_watchers: NonZeroUsize::MIN, ..Settings::default() };
    let fixture = Fixture::start_with(settings).await;
    let first = fixture.watch_from_now(CAT).await;
    let rejected = fixture.try_watch(DOG, "").await.err().unwrap();
    assert_eq!(rejected.code(), Code::ResourceExhausted);
    assert_eq!(rejected.get_details_retry_info().unwrap().retry_delay.unwrap().as_secs(), 10);
    drop(first);
    fixture.watch_from_now(DOG).await;
}

#[tokio::test]
async fn one_caller_cannot_use_all_watches() {
    let settings = Settings { max_watchers: NonZeroUsize::new(4).unwrap(), ..Settings::default() };
    let fixture = Fixture::start_with(settings).await;
    let first = fixture.watch_from_now(CAT).await;
    let rejected = fixture.try_watch(DOG, "").await.err().unwrap();
    assert_eq!(rejected.code(), Code::ResourceExhausted);
    let what_to_do = "Close one, or retry after 10 s.";
    assert_eq!(
        rejected.message(),
        format!("You are at the limit of open watches for one caller, 1. {what_to_do}")
    );
    let request = pb::WatchAnnotationsRequest { image_id: BOBS.to_owned(), ..Default::default() };
    let mut other = fixture.watch_by(by("bob", request)).await.unwrap();
    other.until_current().await;
    drop(first);
    fixture.watch_from_now(DOG).await;
}
