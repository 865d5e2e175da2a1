use proto::annotations::v1 as pb;
use runtime::Id;
use storage::Statement;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::fixture::{BOBS, CAT, Fixture, NOBODYS, by, by_any, fields, new_annotation};

fn create(new: pb::NewAnnotation) -> pb::CreateAnnotationRequest {
    pb::CreateAnnotationRequest { annotation: Some(new) }
}

#[tokio::test]
async fn the_response_is_the_stored_annotation() {
    let fixture = Fixture::start().await;
    let created = fixture.create(new_annotation(CAT)).await;
    assert!(created.id.parse::<Id>().is_ok());
    assert_eq!((created.created_by.as_str(), created.etag.as_str()), ("alice", "r1"));
    assert_eq!(created.created_at, created.updated_at);
    assert_eq!(created.created_at.unwrap().seconds, 1_790_000_000);

    let request = by("alice", pb::GetAnnotationRequest { annotation_id: created.id.clone() });
    let read = fixture.client.clone().get_annotation(request).await.unwrap().into_inner();
    assert_eq!(read.annotation, Some(created));
}

#[tokio::test]
async fn confidence_and_model_may_be_absent() {
    let fixture = Fixture::start().await;
    let new = pb::NewAnnotation { confidence: None, model: String::new(), ..new_annotation(CAT) };
    let created = fixture.create(new).await;
    assert_eq!((created.confidence, created.model.as_str()), (None, ""));
}

#[tokio::test]
async fn an_invalid_annotation_is_rejected_by_field_and_not_stored() {
    let fixture = Fixture::start().await;
    let new = pb::NewAnnotation { label: String::new(), x: 1.5, ..new_annotation(CAT) };
    let status = fixture.client.clone().create_annotation(by("alice", create(new))).await.unwrap_err();
    assert_eq!(fields(&status), ["annotation.label", "annotation.x"]);
    assert!(status.message().starts_with("annotation.label must be 1 to 100 characters"), "{status:?}");

    let empty = pb::CreateAnnotationRequest { annotation: None };
    let status = fixture.client.clone().create_annotation(by("alice", empty)).await.unwrap_err();
    assert_eq!(fields(&status)[0], "annotation.image_id");
    assert_eq!(fixture.stored().await, 0);
}

#[tokio::test]
async fn an_image_of_another_user_and_a_missing_image_get_the_same_error() {
    let fixture = Fixture::start().await;
    for image in [BOBS, NOBODYS] {
        let request = by("alice", create(new_annotation(image)));
        let status = fixture.client.clone().create_annotation(request).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(status.message(), "Image not found");
        let resource = status.get_details_resource_info().unwrap();
        assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), ("Image", image));
    }
    assert_eq!(fixture.stored().await, 0);
}

#[tokio::test]
async fn a_caller_with_owners_any_annotates_images_of_other_users() {
    let fixture = Fixture::start().await;
    let request = by_any("model", create(new_annotation(BOBS)));
    let created = fixture.client.clone().create_annotation(request).await.unwrap().into_inner();
    assert_eq!(created.annotation.unwrap().created_by, "model");
}

#[tokio::test]
async fn an_image_that_is_purged_just_before_the_insert_is_not_found() {
    let fixture = Fixture::start().await;
    fixture.create(new_annotation(CAT)).await;
    fixture.images.delete(CAT);
    let purge = Statement::new("DELETE FROM images WHERE id = ?1").bind(CAT);
    fixture.database.before_writes(vec![purge]);
    let request = by("alice", create(new_annotation(CAT)));
    let status = fixture.client.clone().create_annotation(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.get_details_resource_info().unwrap().resource_name, CAT);
}

#[tokio::test]
async fn creating_takes_one_statement_and_one_owner_request() {
    let fixture = Fixture::start().await;
    fixture.create(new_annotation(CAT)).await;
    assert_eq!((fixture.database.take_count(), fixture.images.requests().len()), (1, 1));
}
