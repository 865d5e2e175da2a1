use proto::annotations::v1 as pb;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::fixture::{CAT, Fixture, NOBODYS, by, fields, new_annotation};

fn get(annotation_id: &str) -> pb::GetAnnotationRequest {
    pb::GetAnnotationRequest { annotation_id: annotation_id.to_owned() }
}

#[tokio::test]
async fn getting_takes_one_statement() {
    let fixture = Fixture::start().await;
    let created = fixture.create(new_annotation(CAT)).await;
    fixture.database.take_count();
    fixture.client.clone().get_annotation(by("alice", get(&created.id))).await.unwrap();
    assert_eq!(fixture.database.take_count(), 1);
}

#[tokio::test]
async fn a_missing_annotation_is_not_found() {
    let fixture = Fixture::start().await;
    let status = fixture.client.clone().get_annotation(by("alice", get(NOBODYS))).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "Annotation not found"));
    let resource = status.get_details_resource_info().unwrap();
    assert_eq!((resource.resource_type.as_str(), resource.resource_name.as_str()), ("Annotation", NOBODYS));
}

#[tokio::test]
async fn a_malformed_id_is_rejected() {
    let fixture = Fixture::start().await;
    for id in ["", "1", &NOBODYS.to_uppercase()] {
        let status = fixture.client.clone().get_annotation(by("alice", get(id))).await.unwrap_err();
        assert_eq!(fields(&status), ["annotation_id"]);
    }
}
