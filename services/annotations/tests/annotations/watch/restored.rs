//! Watching across a restore of the database: a watcher keeps no lost annotation and misses no change after the restore.

use std::{fs, path::Path};

use proto::annotations::v1::{
    self as pb,
    watch_annotations_response::Event::{self, Reset},
};

use super::watcher::{changed, current};
use crate::fixture::{CAT, Fixture, by, new_annotation};

fn back_up(database: &Path) {
    fs::copy(database, database.with_extension("backup")).unwrap();
}

fn restore(database: &Path) {
    fs::copy(database.with_extension("backup"), database).unwrap();
}

fn reset() -> Event {
    Reset(pb::Reset {})
}

#[tokio::test]
async fn a_watcher_that_resumes_after_the_restored_log_has_grown_past_its_token_is_reset() {
    let fixture = Fixture::start().await;
    let kept = fixture.annotate(CAT).await;
    let fixture = fixture.restart_after(back_up).await;
    fixture.annotate(CAT).await;
    let token = fixture.watch_from_now(CAT).await.token;
    let fixture = fixture.restart_after(restore).await;
    let (second, third) = (fixture.annotate(CAT).await, fixture.annotate(CAT).await);
    let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
    let expected = [reset(), changed(&kept), changed(&second), changed(&third), current()];
    assert_eq!(watcher.until_current().await, expected);
}

#[tokio::test]
async fn a_watcher_that_resumes_in_a_log_with_another_record_of_the_same_number_is_reset() {
    let fixture = Fixture::start().await;
    let drawn = fixture.annotate(CAT).await;
    let fixture = fixture.restart_after(back_up).await;
    fixture.relabel(&drawn.id, "bus").await;
    let token = fixture.watch_from_now(CAT).await.token;
    let fixture = fixture.restart_after(restore).await;
    // The same annotation, the same revision, the same number.
    let relabelled = fixture.relabel(&drawn.id, "tram").await;
    let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
    assert_eq!(watcher.until_current().await, [reset(), changed(&relabelled), current()]);
}

#[tokio::test]
async fn a_watcher_that_resumes_before_the_first_change_after_the_restore_is_reset() {
    let fixture = Fixture::start().await;
    let kept = fixture.annotate(CAT).await;
    let fixture = fixture.restart_after(back_up).await;
    fixture.annotate(CAT).await;
    let token = fixture.watch_from_now(CAT).await.token;
    let fixture = fixture.restart_after(restore).await;
    let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
    assert_eq!(watcher.until_current().await, [reset(), changed(&kept), current()]);
}

#[tokio::test]
async fn a_watcher_that_was_disconnected_during_a_snapshot_of_a_lost_log_is_reset() {
    let fixture = Fixture::start().await;
    let first = fixture.annotate(CAT).await;
    let fixture = fixture.restart_after(back_up).await;
    let lost = fixture.annotate(CAT).await;
    let mut cut_off = fixture.watch(CAT).await;
    assert_eq!([cut_off.next().await, cut_off.next().await], [changed(&first), changed(&lost)]);
    let fixture = fixture.restart_after(restore).await;
    let (second, third) = (fixture.annotate(CAT).await, fixture.annotate(CAT).await);
    let mut watcher = fixture.try_watch(CAT, &cut_off.token).await.unwrap();
    let expected = [reset(), changed(&first), changed(&second), changed(&third), current()];
    assert_eq!(watcher.until_current().await, expected);
}

#[tokio::test]
async fn a_watcher_that_knows_nothing_that_was_lost_continues() {
    let fixture = Fixture::start().await;
    fixture.annotate(CAT).await;
    let token = fixture.watch_from_now(CAT).await.token;
    let fixture = fixture.restart_after(back_up).await;
    fixture.annotate(CAT).await;
    let fixture = fixture.restart_after(restore).await;
    let second = fixture.annotate(CAT).await;
    let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
    assert_eq!(watcher.until_current().await, [changed(&second), current()]);
}

#[tokio::test]
async fn a_token_of_another_database_resets_even_if_nothing_ever_changed_in_either() {
    let fixture = Fixture::start().await;
    let token = fixture.watch_from_now(CAT).await.token;
    let fixture = fixture.restart_after(|database| fs::remove_file(database).unwrap()).await;
    let mut watcher = fixture.try_watch(CAT, &token).await.unwrap();
    assert_eq!(watcher.until_current().await, [reset(), current()]);
}

#[tokio::test]
async fn a_watcher_is_reset_when_the_database_is_restored_during_its_call() {
    let fixture = Fixture::start().await;
    let kept = fixture.annotate(CAT).await;
    let lost = fixture.annotate(CAT).await;
    let (mut one, mut other) = (fixture.watch_from_now(CAT).await, fixture.watch_from_now(CAT).await);
    assert!(one.state.contains_key(&lost.id));
    // As a restore of an open database does, for example D1's Time Travel.
    fixture.in_the_database("DELETE FROM annotations WHERE id = (SELECT max(id) FROM annotations)").await;
    fixture
        .in_the_database(
            "DELETE FROM annotation_changes WHERE seq = (SELECT max(seq) FROM annotation_changes)",
        )
        .await;
    let request = by("alice", pb::CreateAnnotationRequest { annotation: Some(new_annotation(CAT)) });
    let second =
        fixture.other_process().create_annotation(request).await.unwrap().into_inner().annotation.unwrap();
    let both = async { (one.until_current().await, other.until_current().await) };
    let (received, ()) = tokio::join!(both, async { fixture.clock.advance_millis(1_000) });
    let expected = vec![reset(), changed(&kept), changed(&second), current()];
    assert_eq!(received, (expected.clone(), expected));
    // And they receive later changes.
    let third = fixture.annotate(CAT).await;
    assert_eq!((one.next().await, other.next().await), (changed(&third), changed(&third)));
}
