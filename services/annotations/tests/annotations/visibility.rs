//! A deleted image hides its annotations, at once and in every process.

use proto::annotations::v1::{self as pb, annotations_service_client::AnnotationsServiceClient};
use storage::Statement;
use tonic::{Code, Status};

use crate::fixture::{CAT, Client, DOG, Fixture, by, delete_image, new_annotation};

/// The result of each RPC on the image CAT and its annotation `id`. The writes change something if they succeed.
async fn each_rpc(client: &Client, id: &str) -> [Result<(), Code>; 7] {
    let mut client: Client = AnnotationsServiceClient::clone(client);
    let (id, image_id) = (id.to_owned(), CAT.to_owned());
    let code = |status: Status| status.code();
    let changed = pb::Annotation { id: id.clone(), x: 0.2, ..Default::default() };
    let get = pb::GetAnnotationRequest { annotation_id: id.clone() };
    let list = pb::ListAnnotationsRequest { image_id: image_id.clone(), ..Default::default() };
    let create = pb::CreateAnnotationRequest { annotation: Some(new_annotation(CAT)) };
    let bulk =
        pb::BulkCreateAnnotationsRequest { annotations: vec![new_annotation(DOG), new_annotation(CAT)] };
    let update = pb::UpdateAnnotationRequest { annotation: Some(changed), update_mask: None };
    let watch = pb::WatchAnnotationsRequest { image_id, ..Default::default() };
    let delete = pb::DeleteAnnotationRequest { annotation_id: id, etag: String::new() };
    [
        client.get_annotation(by("alice", get)).await.map(drop).map_err(code),
        client.list_annotations(by("alice", list)).await.map(drop).map_err(code),
        client.create_annotation(by("alice", create)).await.map(drop).map_err(code),
        client.bulk_create_annotations(by("alice", bulk)).await.map(drop).map_err(code),
        client.update_annotation(by("alice", update)).await.map(drop).map_err(code),
        client.watch_annotations(by("alice", watch)).await.map(drop).map_err(code),
        client.delete_annotation(by("alice", delete)).await.map(drop).map_err(code),
    ]
}

#[tokio::test]
async fn a_deleted_image_hides_its_annotations_at_once_and_an_undeleted_one_shows_them() {
    let fixture = Fixture::start().await;
    let [here, elsewhere] = [fixture.client.clone(), fixture.other_process()];
    for client in [&here, &elsewhere] {
        let target = fixture.create(new_annotation(CAT)).await;
        assert_eq!(each_rpc(client, &target.id).await, [Ok(()); 7], "every owner is cached now");
    }
    let target = fixture.create(new_annotation(CAT)).await;
    let stored = fixture.stored().await;

    fixture.delete_image(CAT).await;

    for client in [&here, &elsewhere] {
        assert_eq!(each_rpc(client, &target.id).await, [Err(Code::NotFound); 7]);
    }
    assert_eq!(fixture.stored().await, stored, "a bulk stores no annotation on its other image either");

    fixture.undelete_image(CAT).await;

    assert_eq!(each_rpc(&here, &target.id).await, [Ok(()); 7]);
}

#[tokio::test]
async fn a_purged_image_is_not_found() {
    let fixture = Fixture::start().await;
    let target = fixture.create(new_annotation(CAT)).await;
    fixture.images.delete(CAT);
    fixture.database.execute(Statement::new("DELETE FROM images WHERE id = ?1").bind(CAT)).await;
    assert_eq!(each_rpc(&fixture.client, &target.id).await, [Err(Code::NotFound); 7]);
}

#[tokio::test]
async fn a_write_is_not_found_if_the_image_is_deleted_just_before() {
    let fixture = Fixture::start().await;
    let target = fixture.create(new_annotation(CAT)).await;
    let mut client = fixture.client.clone();
    fixture.images.delete(CAT);

    fixture.database.before_writes(vec![delete_image(CAT)]);
    let create = pb::CreateAnnotationRequest { annotation: Some(new_annotation(CAT)) };
    assert_eq!(client.create_annotation(by("alice", create)).await.unwrap_err().code(), Code::NotFound);

    fixture.undelete_image(CAT).await;
    fixture.database.before_writes(vec![delete_image(CAT)]);
    let changed = pb::Annotation { id: target.id.clone(), x: 0.2, ..Default::default() };
    let update = pb::UpdateAnnotationRequest { annotation: Some(changed), update_mask: None };
    let status = client.update_annotation(by("alice", update)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "Annotation not found"));

    fixture.undelete_image(CAT).await;
    fixture.database.before_writes(vec![delete_image(CAT)]);
    let delete = pb::DeleteAnnotationRequest { annotation_id: target.id, etag: String::new() };
    assert_eq!(client.delete_annotation(by("alice", delete)).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(fixture.stored().await, 1);
}

#[tokio::test]
async fn an_open_stream_stores_nothing_on_a_deleted_image_and_reports_each_annotation() {
    let fixture = Fixture::start().await;
    fixture.create(new_annotation(CAT)).await;
    let append = |offset| pb::AppendAnnotationsRequest {
        stream_id: "run-1".to_owned(),
        offset,
        annotations: vec![new_annotation(DOG), new_annotation(CAT)],
    };
    let mut client = fixture.client.clone();
    let first = client.append_annotations(by("alice", append(0))).await.unwrap().into_inner();
    assert_eq!((first.next_offset, first.invalid.len()), (2, 0));

    fixture.delete_image(CAT).await;

    let second = client.append_annotations(by("alice", append(2))).await.unwrap().into_inner();
    let reported: Vec<_> = second.invalid.iter().map(|it| (it.offset, it.field.as_str())).collect();
    assert_eq!((second.next_offset, reported), (4, vec![(3, "image_id")]));
    assert_eq!(fixture.stored().await, 4);
}

#[tokio::test]
async fn a_write_is_unavailable_while_the_images_service_does_not_know_of_a_deletion_yet() {
    let fixture = Fixture::start().await;
    fixture.create(new_annotation(CAT)).await;
    fixture.database.execute(delete_image(CAT)).await;
    let create = pb::CreateAnnotationRequest { annotation: Some(new_annotation(CAT)) };
    let status = fixture.client.clone().create_annotation(by("alice", create)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}
