use proto::annotations::v1 as pb;
use storage::Statement;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::fixture::{CAT, Fixture, NOBODYS, by, fields, new_annotation};

async fn update(
    fixture: &Fixture,
    annotation: pb::Annotation,
    paths: &[&str],
) -> Result<pb::Annotation, Status> {
    let paths = paths.iter().map(|&path| path.to_owned()).collect();
    let request = pb::UpdateAnnotationRequest {
        annotation: Some(annotation),
        update_mask: Some(prost_types::FieldMask { paths }),
    };
    let response = fixture.client.clone().update_annotation(by("alice", request)).await?;
    Ok(response.into_inner().annotation.unwrap())
}

fn relabel(id: &str, label: &str, etag: &str) -> pb::Annotation {
    pb::Annotation { id: id.to_owned(), label: label.to_owned(), etag: etag.to_owned(), ..Default::default() }
}

/// A concurrent change of the label by another caller.
fn rival() -> Statement {
    Statement::new("UPDATE annotations SET label = 'rival', revision = revision + 1")
}

#[tokio::test]
async fn a_change_updates_the_etag_and_the_update_time() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_annotation(CAT)).await;
    fixture.clock.advance_millis(2_000);
    let after = update(&fixture, relabel(&before.id, "bike", &before.etag), &["label"]).await.unwrap();
    let mut expected = pb::Annotation { label: "bike".to_owned(), etag: "r2".to_owned(), ..before };
    expected.updated_at.as_mut().unwrap().seconds += 2;
    assert_eq!(after, expected);
}

#[tokio::test]
async fn an_update_without_changes_returns_the_current_annotation() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_annotation(CAT)).await;
    fixture.clock.advance_millis(2_000);
    for (label, paths) in [("bike", [].as_slice()), ("car", &["label"])] {
        let after = update(&fixture, relabel(&before.id, label, ""), paths).await.unwrap();
        assert_eq!(after, before);
    }
}

#[tokio::test]
async fn a_change_that_moves_the_bounding_box_out_of_the_image_is_rejected() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_annotation(CAT)).await;
    let moved = pb::Annotation { id: before.id.clone(), x: 0.8, ..Default::default() };
    let status = update(&fixture, moved, &["x"]).await.unwrap_err();
    assert_eq!(fields(&status), ["annotation.width"]);
}

#[tokio::test]
async fn all_violations_of_an_update_are_reported() {
    let fixture = Fixture::start().await;
    let status = update(&fixture, relabel("1", "", ""), &["label", "image_id"]).await.unwrap_err();
    assert_eq!(fields(&status), ["annotation.id", "annotation.label", "annotation.image_id"]);
}

#[tokio::test]
async fn a_stale_etag_is_rejected_and_nothing_is_changed() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_annotation(CAT)).await;
    update(&fixture, relabel(&before.id, "bike", ""), &["label"]).await.unwrap();
    for etag in [before.etag.as_str(), "r9", "W/\"1\""] {
        let status = update(&fixture, relabel(&before.id, "bus", etag), &["label"]).await.unwrap_err();
        assert_eq!(status.code(), Code::Aborted);
        assert_eq!(status.get_details_error_info().unwrap().reason, "ETAG_MISMATCH");
    }
}

#[tokio::test]
async fn with_an_etag_a_concurrent_change_rejects_the_update() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_annotation(CAT)).await;
    fixture.database.before_writes(vec![rival()]);
    let status = update(&fixture, relabel(&before.id, "bus", "r1"), &["label"]).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
}

#[tokio::test]
async fn without_an_etag_a_concurrent_change_is_kept() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_annotation(CAT)).await;
    fixture.database.before_writes(vec![rival(); 3]);
    let moved = pb::Annotation { id: before.id.clone(), x: 0.5, ..Default::default() };
    let after = update(&fixture, moved, &["x"]).await.unwrap();
    assert_eq!((after.x, after.label.as_str(), after.etag.as_str()), (0.5, "rival", "r5"));
}

#[tokio::test]
async fn an_update_is_aborted_after_four_concurrent_changes() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_annotation(CAT)).await;
    fixture.database.before_writes(vec![rival(); 4]);
    let status = update(&fixture, relabel(&before.id, "bus", ""), &["label"]).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
}

#[tokio::test]
async fn a_missing_annotation_is_not_found() {
    let fixture = Fixture::start().await;
    let status = update(&fixture, relabel(NOBODYS, "bus", "r1"), &["label"]).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "Annotation not found"));
}

#[tokio::test]
async fn updating_takes_two_statements_and_one_for_the_record() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_annotation(CAT)).await;
    fixture.database.take_count();
    update(&fixture, relabel(&before.id, "bus", ""), &["label"]).await.unwrap();
    assert_eq!(fixture.database.take_count(), 3);
}
