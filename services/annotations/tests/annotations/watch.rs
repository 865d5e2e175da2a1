//! Watching an image.

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
use crate::fixture::{BOBS, CAT, DOG, Fixture, NOBODYS, briefly, by, fields, new_box};

#[tokio::test]
async fn the_boxes_come_first_and_then_each_change_of_this_process_at_once() {
    let fixture = Fixture::start().await;
    let (first, second) = (fixture.draw(CAT).await, fixture.draw(CAT).await);
    let mut watcher = fixture.watch(CAT).await;
    assert_eq!(watcher.until_current().await, [changed(&first), changed(&second), current()]);
    let third = fixture.draw(CAT).await;
    fixture.draw(DOG).await;
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
async fn a_change_of_another_process_is_told_within_a_second() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    let request = by("alice", pb::CreateAnnotationRequest { annotation: Some(new_box(CAT)) });
    let theirs = fixture.beside().create_annotation(request).await.unwrap().into_inner().annotation.unwrap();
    let waiting = async { watcher.next().await };
    let (told, ()) = tokio::join!(waiting, async { fixture.clock.advance_millis(1_000) });
    assert_eq!(told, changed(&theirs));
}

#[tokio::test]
async fn who_comes_back_is_told_what_was_missed_and_nothing_twice() {
    let fixture = Fixture::start().await;
    let (kept, gone) = (fixture.draw(CAT).await, fixture.draw(CAT).await);
    let token = fixture.watch_from_now(CAT).await.token;
    let passing = fixture.draw(CAT).await;
    fixture.relabel(&kept.id, "bus").await;
    fixture.delete(&gone.id).await;
    fixture.delete(&passing.id).await;
    let last = fixture.relabel(&kept.id, "tram").await;
    let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
    // In the order of the history, each box as it is now.
    assert_eq!(watcher.until_current().await, [removed(&gone), removed(&passing), changed(&last), current()]);
    let mut again = fixture.try_watch(CAT, &watcher.token).await.unwrap();
    assert_eq!(again.until_current().await, [current()]);
}

#[tokio::test]
async fn who_comes_back_in_the_middle_of_the_boxes_is_told_the_others() {
    let fixture = Fixture::start().await;
    let mut boxes = Vec::new();
    for _ in 0..4 {
        boxes.push(fixture.draw(CAT).await);
    }
    let mut watcher = fixture.watch(CAT).await;
    assert_eq!([watcher.next().await, watcher.next().await], [changed(&boxes[0]), changed(&boxes[1])]);
    fixture.delete(&boxes[0].id).await;
    fixture.delete(&boxes[3].id).await;
    let mut again = fixture.try_watch(CAT, &watcher.token).await.unwrap();
    // The fourth was never told.
    assert_eq!(again.until_current().await, [changed(&boxes[2]), removed(&boxes[0]), current()]);
}

#[tokio::test]
async fn who_is_cut_off_again_and_again_among_the_boxes_hears_nothing_twice() {
    let fixture = Fixture::start().await;
    let mut told = Vec::new();
    let mut token = String::new();
    fixture.draw(CAT).await;
    fixture.draw(CAT).await;
    for _ in 0..4 {
        let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
        told.push(watcher.next().await);
        token = watcher.token;
        fixture.draw(CAT).await;
        fixture.draw(CAT).await;
    }
    let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
    told.extend(watcher.until_current().await);
    let ids: BTreeSet<_> = told
        .iter()
        .filter_map(|event| match event {
            Changed(annotation) => Some(&annotation.id),
            _ => None,
        })
        .collect();
    assert_eq!((told.len(), ids.len()), (11, 10), "ten boxes, each once, and `current`");
}

#[tokio::test]
async fn what_changes_while_the_boxes_are_told_is_told_once() {
    let fixture = Fixture::start().await;
    fixture.append_cats(0, 2_500).await;
    let mut watcher = fixture.watch(CAT).await;
    let Changed(first) = watcher.next().await else { panic!("no box") };
    let list = pb::ListAnnotationsRequest { image_id: CAT.to_owned(), ..Default::default() };
    let newest = fixture.client.clone().list_annotations(by("alice", list)).await.unwrap().into_inner();
    let last = fixture.relabel(&newest.annotations[0].id, "bus").await;
    let first = fixture.relabel(&first.id, "tram").await;
    let told = watcher.until_current().await;
    assert_eq!(told.iter().filter(|event| **event == changed(&last)).count(), 1);
    assert_eq!(told[2_499..], [changed(&first), current()]);
    assert_eq!((told.len(), watcher.state.len()), (2_501, 2_500));
}

#[tokio::test]
async fn a_slow_watcher_is_told_everything_too() {
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
async fn who_comes_back_too_late_begins_anew() {
    let fixture = Fixture::start().await;
    let first = fixture.draw(CAT).await;
    let token = fixture.watch_from_now(CAT).await.token;
    let second = fixture.draw(CAT).await;
    fixture.draw(CAT).await;
    fixture.in_the_database("DELETE FROM annotation_changes WHERE seq <= 2").await;
    fixture.in_the_database("DELETE FROM annotations WHERE id = (SELECT max(id) FROM annotations)").await;
    let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
    let told = watcher.until_current().await;
    assert_eq!(told, [Reset(pb::Reset {}), changed(&first), changed(&second), current()]);
    // A history that is shorter than the token knows is another one.
    fixture.in_the_database("UPDATE annotation_changes SET seq = 1").await;
    let told = fixture.try_watch(CAT, &watcher.token).await.unwrap().until_current().await;
    assert_eq!(told[0], Reset(pb::Reset {}));
}

#[tokio::test]
async fn the_history_keeps_its_last_quarter_of_a_million_rows() {
    let fixture = Fixture::start().await;
    fixture.draw(CAT).await;
    fixture.draw(CAT).await;
    fixture.in_the_database("UPDATE annotation_changes SET seq = seq + 999").await;
    fixture
        .in_the_database(
            "INSERT INTO annotation_changes (seq, image_id, first_id, last_id) VALUES (250999, '', '', '')",
        )
        .await;
    fixture.draw(CAT).await;
    // 251,000 is a thousandth row: up to 1,000 is trimmed.
    let token = fixture.watch_from_now(CAT).await.token;
    fixture.in_the_database("DELETE FROM annotation_changes WHERE seq = 1001").await;
    let count = fixture.database.numbers("SELECT count(*) AS n FROM annotation_changes").await;
    assert_eq!(count, [2], "1000 is gone");
    assert_eq!(fixture.try_watch(CAT, &token).await.unwrap().until_current().await, [current()]);
}

#[tokio::test]
async fn silence_is_told_every_fifteen_seconds_with_a_newer_token() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    let before = watcher.token.clone();
    fixture.draw(DOG).await;
    let waiting = async { watcher.next().await };
    let (told, ()) = tokio::join!(waiting, async {
        for _ in 0..15 {
            fixture.clock.advance_millis(1_000);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(told, current());
    assert_ne!(watcher.token, before);
}

#[tokio::test]
async fn a_machine_whose_time_is_set_back_goes_on_as_before() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    fixture.clock.set_back_millis(3_600_000);
    let (told, ()) = tokio::join!(async { watcher.next().await }, async {
        for _ in 0..15 {
            fixture.clock.advance_millis(1_000);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(told, current(), "silence is told");
    let request = by("alice", pb::CreateAnnotationRequest { annotation: Some(new_box(CAT)) });
    let theirs = fixture.beside().create_annotation(request).await.unwrap().into_inner().annotation.unwrap();
    let (told, ()) =
        tokio::join!(async { watcher.next().await }, async { fixture.clock.advance_millis(1_000) });
    assert_eq!(told, changed(&theirs), "changes of another process are read");
}

#[tokio::test]
async fn a_call_ends_after_half_an_hour_and_goes_on_by_its_token() {
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
    let mut watcher = fixture.watch_by(briefly("alice", request)).await.unwrap();
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
    let missed = fixture.draw(CAT).await;
    let mut again = fixture.try_watch(CAT, &watcher.token).await.unwrap();
    assert_eq!(again.until_current().await, [changed(&missed), current()]);
}

#[tokio::test]
async fn many_idle_watchers_ask_the_database_once_a_second() {
    let fixture = Fixture::start().await;
    let mut watchers = Vec::new();
    for _ in 0..50 {
        watchers.push(fixture.watch_from_now(CAT).await);
    }
    fixture.database.take_count();
    let all = join_all(watchers.iter_mut().map(Watcher::next));
    let (told, ()) = tokio::join!(all, async {
        for _ in 0..15 {
            fixture.clock.advance_millis(1_000);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(told.iter().all(|event| *event == current()));
    let asked = fixture.database.take_count();
    assert!((1..=16).contains(&asked), "{asked}");
}

#[tokio::test]
async fn a_watcher_who_leaves_while_it_reads_for_all_is_replaced() {
    let fixture = Fixture::start().await;
    let (mut leaving, mut staying) = (fixture.watch_from_now(CAT).await, fixture.watch_from_now(CAT).await);
    let created = fixture.draw(CAT).await;
    let held = fixture.database.hold_reads().await;
    assert!(futures_util::poll!(Box::pin(leaving.next())).is_pending());
    drop(leaving);
    drop(held);
    assert_eq!(staying.next().await, changed(&created));
}

#[tokio::test]
async fn only_who_may_read_the_image_may_watch_it() {
    let fixture = Fixture::start().await;
    for image in [BOBS, NOBODYS] {
        let refused = fixture.try_watch(image, "").await.err().unwrap();
        assert_eq!((refused.code(), refused.message()), (Code::NotFound, "Image not found"));
    }
    let dogs = fixture.watch_from_now(DOG).await.token;
    for token in [dogs.as_str(), "nonsense"] {
        assert_eq!(fields(&fixture.try_watch(CAT, token).await.err().unwrap()), ["resume_token"]);
    }
    assert_eq!(fields(&fixture.try_watch("cat", "").await.err().unwrap()), ["image_id"]);
}

#[tokio::test]
async fn a_browser_whose_last_event_says_nothing_begins_anew() {
    let fixture = Fixture::start().await;
    let drawn = fixture.draw(CAT).await;
    let dogs = fixture.watch_from_now(DOG).await.token;
    for last_event_id in [dogs.as_str(), "nonsense", &"A".repeat(50_000)] {
        let last_event_id = last_event_id.to_owned();
        let request =
            pb::WatchAnnotationsRequest { image_id: CAT.to_owned(), last_event_id, ..Default::default() };
        let mut watcher = fixture.watch_by(by("alice", request)).await.unwrap();
        assert_eq!(watcher.until_current().await, [Reset(pb::Reset {}), changed(&drawn), current()]);
    }
    let cats = fixture.watch_from_now(CAT).await.token;
    // The URL keeps the token that it began with; the header is later.
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
    fixture.draw(CAT).await;
    fixture.delete_image(CAT).await;
    fixture.clock.advance_millis(1_000);
    let ended = watcher.try_next().await.unwrap().unwrap_err();
    assert_eq!(
        (ended.code(), ended.message()),
        (Code::NotFound, "Image not found"),
        "before its last change"
    );
    assert!(watcher.try_next().await.is_none());
    for token in ["", &token] {
        assert_eq!(fixture.try_watch(CAT, token).await.err().unwrap().code(), Code::NotFound);
    }
    let created = fixture.draw(DOG).await;
    assert_eq!(of_another_image.next().await, changed(&created));
}

#[tokio::test]
async fn a_watch_goes_on_across_a_deletion_that_is_undone_before_it_is_seen() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    let token = watcher.token.clone();
    fixture.delete_image(CAT).await;
    fixture.undelete_image(CAT).await;
    let created = fixture.draw(CAT).await;
    assert_eq!(watcher.next().await, changed(&created));
    let mut resumed = fixture.try_watch(CAT, &token).await.unwrap();
    assert_eq!(resumed.until_current().await, [changed(&created), current()]);
}

#[tokio::test]
async fn a_server_that_stops_ends_the_calls_and_they_go_on_elsewhere() {
    let fixture = Fixture::start().await;
    let mut watcher = fixture.watch_from_now(CAT).await;
    let (told, ()) = tokio::join!(watcher.try_next(), async { fixture.drain.begin() });
    assert!(told.is_none());
    let created = fixture.draw(CAT).await;
    let request = pb::WatchAnnotationsRequest {
        image_id: CAT.to_owned(),
        resume_token: watcher.token,
        ..Default::default()
    };
    let mut elsewhere = fixture.beside().watch_annotations(by("alice", request)).await.unwrap().into_inner();
    assert_eq!(elsewhere.message().await.unwrap().unwrap().event, Some(changed(&created)));
}

#[tokio::test]
async fn a_bookmark_that_a_caller_made_up_is_for_its_own_reads_alone() {
    let fixture = Fixture::start().await;
    let mut other = fixture.watch_from_now(CAT).await;
    let forged = |mark: &Option<Bookmark>| mark.as_ref().is_some_and(|mark| mark.as_str() == "zzz");
    let request = pb::WatchAnnotationsRequest { image_id: CAT.to_owned(), ..Default::default() };
    let mut request = by("alice", request);
    request.metadata_mut().insert(BOOKMARK_HEADER, "zzz".parse().unwrap());
    let mut messages = fixture.client.clone().watch_annotations(request).await.unwrap().into_inner();
    assert!(messages.message().await.unwrap().is_some());
    let before = fixture.database.bookmarks();
    assert!(before.iter().any(forged), "its own");
    let drawn = fixture.draw(CAT).await;
    assert_eq!(other.next().await, changed(&drawn));
    assert!(!fixture.database.bookmarks()[before.len()..].iter().any(forged), "of others");
}

#[tokio::test]
async fn one_watcher_more_than_may_be_is_asked_to_come_back() {
    let settings = Settings { max_watchers: NonZeroUsize::MIN, ..Settings::default() };
    let fixture = Fixture::start_with(settings).await;
    let first = fixture.watch_from_now(CAT).await;
    let refused = fixture.try_watch(DOG, "").await.err().unwrap();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.get_details_retry_info().unwrap().retry_delay.unwrap().as_secs(), 10);
    drop(first);
    fixture.watch_from_now(DOG).await;
}

#[tokio::test]
async fn one_caller_leaves_room_for_the_watches_of_others() {
    let settings = Settings { max_watchers: NonZeroUsize::new(4).unwrap(), ..Settings::default() };
    let fixture = Fixture::start_with(settings).await;
    let first = fixture.watch_from_now(CAT).await;
    let rejected = fixture.try_watch(DOG, "").await.err().unwrap();
    assert_eq!(rejected.code(), Code::ResourceExhausted);
    let what_to_do = "Close one, or retry after 10 s.";
    assert_eq!(rejected.message(), format!("You have 1 watches open, the most of one caller. {what_to_do}"));
    let request = pb::WatchAnnotationsRequest { image_id: BOBS.to_owned(), ..Default::default() };
    let mut other = fixture.watch_by(by("bob", request)).await.unwrap();
    other.until_current().await;
    drop(first);
    fixture.watch_from_now(DOG).await;
}
