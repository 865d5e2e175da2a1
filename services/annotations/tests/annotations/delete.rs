use proto::annotations::v1 as pb;
use storage::Statement;
use tonic::{Code, Status};

use crate::fixture::{CAT, Fixture, NOBODYS, by, fields, new_annotation};

async fn delete(fixture: &Fixture, id: &str, etag: &str) -> Result<pb::Annotation, Status> {
    let request = pb::DeleteAnnotationRequest { annotation_id: id.to_owned(), etag: etag.to_owned() };
    let response = fixture.client.clone().delete_annotation(by("alice", request)).await?;
    Ok(response.into_inner().annotation.unwrap())
}

#[tokio::test]
async fn a_deleted_annotation_is_removed_permanently_and_returned() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_annotation(CAT)).await;
    let kept = fixture.create(new_annotation(CAT)).await;
    assert_eq!(delete(&fixture, &before.id, "").await.unwrap(), before);
    assert_eq!(delete(&fixture, &before.id, "").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(delete(&fixture, &kept.id, &kept.etag).await.unwrap(), kept);
    assert_eq!(fixture.stored().await, 0);
}

#[tokio::test]
async fn a_stale_etag_is_rejected_and_nothing_is_removed() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_annotation(CAT)).await;
    assert_eq!(delete(&fixture, &before.id, "r2").await.unwrap_err().code(), Code::Aborted);
    let rival = Statement::new("UPDATE annotations SET revision = revision + 1");
    fixture.database.before_writes(vec![rival]);
    assert_eq!(delete(&fixture, &before.id, "r1").await.unwrap_err().code(), Code::Aborted);
    assert_eq!(fixture.stored().await, 1);
}

#[tokio::test]
async fn without_an_etag_the_concurrently_changed_annotation_is_removed_and_returned() {
    let fixture = Fixture::start().await;
    let before = fixture.create(new_annotation(CAT)).await;
    let rival = Statement::new("UPDATE annotations SET label = 'rival', revision = revision + 1");
    fixture.database.before_writes(vec![rival]);
    assert_eq!(delete(&fixture, &before.id, "").await.unwrap().label, "rival");
}

#[tokio::test]
async fn a_missing_annotation_is_not_found_and_a_malformed_id_is_rejected() {
    let fixture = Fixture::start().await;
    assert_eq!(delete(&fixture, NOBODYS, "").await.unwrap_err().code(), Code::NotFound);
    assert_eq!(fields(&delete(&fixture, "x", "").await.unwrap_err()), ["annotation_id"]);
}
