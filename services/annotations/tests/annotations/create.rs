use proto::annotations::v1 as pb;
use storage::{Id, Statement};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::fixture::{BOBS, CAT, Fixture, NOBODYS, by, by_any, fields, new_box};

fn create(new: pb::NewAnnotation) -> pb::CreateAnnotationRequest {
    pb::CreateAnnotationRequest { annotation: Some(new) }
}

#[tokio::test]
async fn a_box_is_answered_as_it_is_stored() {
    let fixture = Fixture::start().await;
    let created = fixture.create(new_box(CAT)).await;
    assert!(created.id.parse::<Id>().is_ok());
    assert_eq!((created.created_by.as_str(), created.etag.as_str()), ("alice", "r1"));
    assert_eq!(created.created_at, created.updated_at);
    assert_eq!(created.created_at.unwrap().seconds, 1_790_000_000);

    let request = by("alice", pb::GetAnnotationRequest { annotation_id: created.id.clone() });
    let read = fixture.client.clone().get_annotation(request).await.unwrap().into_inner();
    assert_eq!(read.annotation, Some(created));
}

#[tokio::test]
async fn a_box_that_a_person_drew_has_neither_confidence_nor_model() {
    let fixture = Fixture::start().await;
    let new = pb::NewAnnotation { confidence: None, model: String::new(), ..new_box(CAT) };
    let created = fixture.create(new).await;
    assert_eq!((created.confidence, created.model.as_str()), (None, ""));
}

#[tokio::test]
async fn a_broken_rule_names_its_field_and_stores_nothing() {
    let fixture = Fixture::start().await;
    let new = pb::NewAnnotation { label: String::new(), x: 1.5, ..new_box(CAT) };
    let status = fixture.client.clone().create_annotation(by("alice", create(new))).await.unwrap_err();
    assert_eq!(fields(&status), ["annotation.label", "annotation.x"]);
    assert!(status.message().starts_with("annotation.label must be 1 to 100 characters"), "{status:?}");

    let empty = pb::CreateAnnotationRequest { annotation: None };
    let status = fixture.client.clone().create_annotation(by("alice", empty)).await.unwrap_err();
    assert_eq!(fields(&status)[0], "annotation.image_id");
    assert_eq!(fixture.stored().await, 0);
}

#[tokio::test]
async fn anothers_image_and_one_that_is_not_there_are_told_alike() {
    let fixture = Fixture::start().await;
    for image in [BOBS, NOBODYS] {
        let request = by("alice", create(new_box(image)));
        let status = fixture.client.clone().create_annotation(request).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(status.message(), "Image not found");
        let resource = status.get_details_resource_info().unwrap();
        assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), ("Image", image));
    }
    assert_eq!(fixture.stored().await, 0);
}

#[tokio::test]
async fn a_model_server_annotates_everybodys_images() {
    let fixture = Fixture::start().await;
    let request = by_any("model", create(new_box(BOBS)));
    let created = fixture.client.clone().create_annotation(request).await.unwrap().into_inner();
    assert_eq!(created.annotation.unwrap().created_by, "model");
}

#[tokio::test]
async fn an_image_that_is_purged_just_before_the_insert_is_not_found() {
    let fixture = Fixture::start().await;
    fixture.create(new_box(CAT)).await;
    fixture.images.delete(CAT);
    let purge = Statement::new("DELETE FROM images WHERE id = ?1").bind(CAT);
    fixture.database.before_writes(vec![purge]);
    let request = by("alice", create(new_box(CAT)));
    let status = fixture.client.clone().create_annotation(request).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.get_details_resource_info().unwrap().resource_name, CAT);
}

#[tokio::test]
async fn it_takes_one_statement_and_the_question_whose_the_image_is() {
    let fixture = Fixture::start().await;
    fixture.create(new_box(CAT)).await;
    assert_eq!((fixture.database.take_count(), fixture.images.requests().len()), (1, 1));
}
