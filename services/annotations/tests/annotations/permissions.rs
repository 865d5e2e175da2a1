use identity::Scopes;
use proto::annotations::v1 as pb;
use storage::Statement;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::fixture::{CAT, Fixture, by, by_any, new_annotation, with_scopes};

fn get(annotation: &pb::Annotation) -> pb::GetAnnotationRequest {
    pb::GetAnnotationRequest { annotation_id: annotation.id.clone() }
}

/// The result of each RPC on alice's annotation, sent by `user`.
async fn each_rpc(fixture: &Fixture, user: &str, scopes: Scopes) -> [Result<(), Code>; 6] {
    let target = fixture.create(new_annotation(CAT)).await;
    fixture.clock.advance_millis(10_000);
    let mut client = fixture.client.clone();
    let (id, image_id) = (target.id.clone(), target.image_id.clone());
    let changed = pb::Annotation { id: id.clone(), label: "bus".to_owned(), ..Default::default() };
    let code = |status: Status| status.code();
    let new = || vec![new_annotation(CAT)];
    let read = pb::GetAnnotationRequest { annotation_id: id.clone() };
    let list = pb::ListAnnotationsRequest { image_id, ..Default::default() };
    let create = pb::CreateAnnotationRequest { annotation: Some(new_annotation(CAT)) };
    let bulk = pb::BulkCreateAnnotationsRequest { annotations: new() };
    let update = pb::UpdateAnnotationRequest { annotation: Some(changed), update_mask: None };
    let delete = pb::DeleteAnnotationRequest { annotation_id: id, etag: String::new() };
    [
        client.get_annotation(with_scopes(user, scopes, read)).await.map(drop).map_err(code),
        client.list_annotations(with_scopes(user, scopes, list)).await.map(drop).map_err(code),
        client.create_annotation(with_scopes(user, scopes, create)).await.map(drop).map_err(code),
        client.bulk_create_annotations(with_scopes(user, scopes, bulk)).await.map(drop).map_err(code),
        client.update_annotation(with_scopes(user, scopes, update)).await.map(drop).map_err(code),
        client.delete_annotation(with_scopes(user, scopes, delete)).await.map(drop).map_err(code),
    ]
}

#[tokio::test]
async fn the_owner_may_do_everything() {
    let fixture = Fixture::start().await;
    assert_eq!(each_rpc(&fixture, "alice", Scopes::DEFAULT).await, [Ok(()); 6]);
}

#[tokio::test]
async fn for_other_users_annotations_do_not_exist() {
    let fixture = Fixture::start().await;
    assert_eq!(each_rpc(&fixture, "bob", Scopes::DEFAULT).await, [Err(Code::NotFound); 6]);
    assert_eq!(fixture.stored().await, 1);
}

#[tokio::test]
async fn reading_and_writing_need_separate_scopes() {
    let fixture = Fixture::start().await;
    let (yes, denied) = (Ok(()), Err(Code::PermissionDenied));
    let responses = each_rpc(&fixture, "alice", Scopes::parse("annotations:read images:read")).await;
    assert_eq!(responses, [yes, yes, denied, denied, denied, denied]);
    let responses = each_rpc(&fixture, "alice", Scopes::parse("annotations:write images:read")).await;
    assert_eq!(responses, [denied, denied, yes, yes, yes, yes]);
}

#[tokio::test]
async fn a_request_without_a_token_is_rejected() {
    let fixture = Fixture::start().await;
    let target = fixture.create(new_annotation(CAT)).await;
    let status = fixture.client.clone().get_annotation(Request::new(get(&target))).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn a_cached_owner_gives_other_callers_no_access() {
    let fixture = Fixture::start().await;
    let target = fixture.create(new_annotation(CAT)).await;
    let status = fixture.client.clone().get_annotation(by("bob", get(&target))).await.unwrap_err();
    assert_eq!((status.code(), fixture.images.requests().len()), (Code::NotFound, 1));
    assert!(fixture.client.clone().get_annotation(by_any("model", get(&target))).await.is_ok());
}

#[tokio::test]
async fn the_images_service_is_called_with_the_callers_token() {
    let fixture = Fixture::start().await;
    let mut request = by("alice", pb::CreateAnnotationRequest { annotation: Some(new_annotation(CAT)) });
    let metadata = request.metadata_mut();
    metadata.insert("authorization", "Bearer of somebody else".parse().unwrap());
    metadata.insert("x-request-id", "abc".parse().unwrap());
    metadata.insert("traceparent", "00-1-2-01".parse().unwrap());
    metadata.insert("grpc-timeout", "5S".parse().unwrap());
    metadata.insert("x-reticle-bookmark", "mark-0".parse().unwrap());
    metadata.insert("cookie", "private".parse().unwrap());
    fixture.client.clone().create_annotation(request).await.unwrap();

    let (ids, sent) = fixture.images.requests().remove(0);
    assert_eq!(ids, [CAT]);
    let value = |name: &str| sent.get(name).map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(value("authorization").as_deref(), Some("Bearer alice"));
    assert_eq!(value("x-request-id").as_deref(), Some("abc"));
    assert_eq!(value("traceparent").as_deref(), Some("00-1-2-01"));
    assert_eq!(value("grpc-timeout").as_deref(), Some("5S"));
    assert_eq!(value("x-reticle-bookmark").as_deref(), Some("mark-0"));
    assert_eq!(value("cookie"), None);
}

#[tokio::test]
async fn causes_of_images_service_failures_are_not_sent_to_the_caller() {
    let fixture = Fixture::start().await;
    let cases = [
        (Status::unavailable("10.0.0.7 refused"), Code::Unavailable),
        (Status::unknown("Service was not ready: 10.0.0.7"), Code::Unavailable),
        (Status::deadline_exceeded("10.0.0.7"), Code::DeadlineExceeded),
        (Status::internal("stack of 10.0.0.7"), Code::Internal),
        (Status::invalid_argument("10.0.0.7"), Code::Internal),
    ];
    for (failure, code) in cases {
        fixture.images.fail(Some(failure));
        let request = by("alice", pb::CreateAnnotationRequest { annotation: Some(new_annotation(CAT)) });
        let status = fixture.client.clone().create_annotation(request).await.unwrap_err();
        assert_eq!(status.code(), code);
        assert!(!status.message().contains("10.0.0.7"));
        assert_eq!(status.get_details_retry_info().is_some(), code == Code::Unavailable);
    }
    assert_eq!(fixture.stored().await, 0);
    fixture.images.fail(None);
    fixture.create(new_annotation(CAT)).await;
}

#[tokio::test]
async fn a_token_that_the_images_service_rejects_is_reported_to_the_caller() {
    let fixture = Fixture::start().await;
    fixture.images.fail(Some(Status::permission_denied("The token lacks the scope `images:read`")));
    let request = by("alice", pb::CreateAnnotationRequest { annotation: Some(new_annotation(CAT)) });
    let status = fixture.client.clone().create_annotation(request).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(status.message(), "The token lacks the scope `images:read`");
}

#[tokio::test]
async fn a_caller_reads_its_own_writes() {
    let fixture = Fixture::start().await;
    let request = by("alice", pb::CreateAnnotationRequest { annotation: Some(new_annotation(CAT)) });
    let created = fixture.client.clone().create_annotation(request).await.unwrap();
    let bookmark = created.metadata().get("x-reticle-bookmark").unwrap().clone();
    let mut request = by("alice", get(&created.into_inner().annotation.unwrap()));
    request.metadata_mut().insert("x-reticle-bookmark", bookmark.clone());
    let read = fixture.client.clone().get_annotation(request).await.unwrap();
    let last = fixture.database.bookmarks().pop().flatten().unwrap();
    assert_eq!(last.as_str(), bookmark.to_str().unwrap());
    assert_ne!(read.metadata().get("x-reticle-bookmark").unwrap(), bookmark);
}

#[tokio::test]
async fn an_invalid_annotation_in_the_database_is_an_internal_error() {
    let fixture = Fixture::start().await;
    let target = fixture.create(new_annotation(CAT)).await;
    fixture.database.execute(Statement::new("UPDATE annotations SET width = 0")).await;
    let status = fixture.client.clone().get_annotation(by("alice", get(&target))).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "Internal error"));
}
