use proto::annotations::v1 as pb;
use storage::Statement;
use tonic::{Code, Status};

use crate::fixture::{CAT, Fixture, NOBODYS, by, fields, new_box};

async fn delete(fixture: &Fixture, id: &str, etag: &str) -> Result<pb::Annotation, Status> {
    let request = pb::DeleteAnnotationRequest { annotation_id: id.to_owned(), etag: etag.to_owned() };
    let answer = fixture.client.clone().delete_annotation(by("alice", request)).await?;
    Ok(answer.into_inner().annotation.unwrap())
}

#[tokio::test]
async fn a_box_is_removed_for_good_and_answered_as_it_was() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_box(CAT)).await;
    let kept = fixture.create(new_box(CAT)).await;
    assert_eq!(delete(&fixture, &before.id, "").await.unwrap(), before);
    assert_eq!(delete(&fixture, &before.id, "").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(delete(&fixture, &kept.id, &kept.etag).await.unwrap(), kept);
    assert_eq!(fixture.stored().await, 0);
}

#[tokio::test]
async fn a_stale_etag_is_told_and_removes_nothing() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_box(CAT)).await;
    assert_eq!(delete(&fixture, &before.id, "r2").await.unwrap_err().code(), Code::Aborted);
    let rival = Statement::new("UPDATE annotations SET revision = revision + 1");
    fixture.database.before_writes(vec![rival]);
    assert_eq!(delete(&fixture, &before.id, "r1").await.unwrap_err().code(), Code::Aborted);
    assert_eq!(fixture.stored().await, 1);
}

#[tokio::test]
async fn without_an_etag_a_change_in_between_is_answered_with_what_is_removed() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_box(CAT)).await;
    let rival = Statement::new("UPDATE annotations SET label = 'rival', revision = revision + 1");
    fixture.database.before_writes(vec![rival]);
    assert_eq!(delete(&fixture, &before.id, "").await.unwrap().label, "rival");
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_is_no_id_is_refused() {
    let fixture = Fixture::start().await;
    assert_eq!(delete(&fixture, NOBODYS, "").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(fields(&delete(&fixture, "x", "").await.unwrap_err()), ["annotation_id"]);
}
