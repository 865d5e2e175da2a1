use std::collections::BTreeMap;

use proto::annotations::v1 as pb;
use storage::Statement;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::fixture::{BOBS, CAT, DOG, Fixture, NOBODYS, by, fields, new_annotation};

fn bulk(annotations: Vec<pb::NewAnnotation>) -> pb::BulkCreateAnnotationsRequest {
    pb::BulkCreateAnnotationsRequest { annotations }
}

/// The request that would create `annotation`.
fn sent(annotation: pb::Annotation) -> pb::NewAnnotation {
    let pb::Annotation { image_id, label, x, y, width, height, confidence, model, .. } = annotation;
    pb::NewAnnotation { image_id, label, x, y, width, height, confidence, model }
}

/// Stores `annotations` on alice's images, and reads them back in the order of the returned ids.
async fn store(fixture: &Fixture, annotations: Vec<pb::NewAnnotation>) -> Vec<pb::Annotation> {
    let mut client = fixture.client.clone();
    let ids = client.bulk_create_annotations(by("alice", bulk(annotations))).await.unwrap().into_inner().ids;
    let mut stored = BTreeMap::new();
    for image_id in [CAT, DOG] {
        let list = pb::ListAnnotationsRequest { image_id: image_id.to_owned(), ..Default::default() };
        let page = client.list_annotations(by("alice", list)).await.unwrap().into_inner();
        stored.extend(page.annotations.into_iter().map(|annotation| (annotation.id.clone(), annotation)));
    }
    ids.iter().map(|id| stored.remove(id).unwrap()).collect()
}

#[tokio::test]
async fn annotations_are_stored_unchanged_with_ascending_ids() {
    let fixture = Fixture::start().await;
    let annotations = vec![
        new_annotation(CAT),
        pb::NewAnnotation {
            label: "\"quoted\" \\ 🚗車".to_owned(),
            model: "型\"".to_owned(),
            ..new_annotation(DOG)
        },
        pb::NewAnnotation { confidence: None, model: String::new(), ..new_annotation(CAT) },
        pb::NewAnnotation { label: "🚗".repeat(100), model: "型".repeat(200), ..new_annotation(CAT) },
        pb::NewAnnotation {
            x: 0.0,
            y: 0.0,
            width: 1.0,
            height: 1.0,
            confidence: Some(0.0),
            ..new_annotation(DOG)
        },
        pb::NewAnnotation { x: 1e-7, y: f64::EPSILON, confidence: Some(1.0), ..new_annotation(CAT) },
        pb::NewAnnotation { label: "1".to_owned(), model: "2".to_owned(), ..new_annotation(CAT) },
    ];
    let stored = store(&fixture, annotations.clone()).await;
    assert!(stored.is_sorted_by(|a, b| a.id < b.id));
    assert!(stored.iter().all(|annotation| annotation.created_by == "alice" && annotation.etag == "r1"));
    assert_eq!(stored.into_iter().map(sent).collect::<Vec<_>>(), annotations);
}

/// Generates doubles of all magnitudes down to 1e-70. The seed is fixed, so that a failure can be reproduced.
fn doubles() -> impl FnMut() -> f64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let exponent = 1022 - if state & 1 == 0 { 0 } else { (state >> 1) % 230 };
        f64::from_bits((exponent << 52) | (state >> 12))
    }
}

#[tokio::test]
async fn doubles_are_stored_exactly() {
    let fixture = Fixture::start().await;
    let mut double = doubles();
    for _ in 0..40 {
        let mut fraction = || double() / 2.0;
        let annotations: Vec<_> = (0..500)
            .map(|_| pb::NewAnnotation {
                x: fraction(),
                y: fraction(),
                width: fraction().max(0.001),
                height: fraction().max(0.001),
                confidence: Some(fraction()),
                ..new_annotation(CAT)
            })
            .collect();
        let request = by("alice", bulk(annotations.clone()));
        fixture.client.clone().bulk_create_annotations(request).await.unwrap();
        let list =
            pb::ListAnnotationsRequest { image_id: CAT.to_owned(), page_size: 500, ..Default::default() };
        let page = fixture.client.clone().list_annotations(by("alice", list)).await.unwrap().into_inner();
        let stored: Vec<_> = page.annotations.into_iter().rev().map(sent).collect();
        assert!(stored == annotations, "a double lost its last bits");
        fixture.clock.advance_millis(1);
    }
}

#[tokio::test]
async fn a_bulk_has_1_to_500_annotations() {
    let fixture = Fixture::start().await;
    for count in [1, 500] {
        let request = by("alice", bulk(vec![new_annotation(CAT); count]));
        let response = fixture.client.clone().bulk_create_annotations(request).await.unwrap().into_inner();
        let counts = [response.inserted, response.total].map(|n| usize::try_from(n).unwrap());
        assert_eq!((response.ids.len(), counts), (count, [count, count]));
    }
    for count in [0, 501] {
        let request = by("alice", bulk(vec![new_annotation(CAT); count]));
        let status = fixture.client.clone().bulk_create_annotations(request).await.unwrap_err();
        assert_eq!(fields(&status), ["annotations"]);
    }
    assert_eq!(fixture.stored().await, 501);
}

#[tokio::test]
async fn violations_are_reported_with_their_index_and_nothing_is_stored() {
    let fixture = Fixture::start().await;
    let mut annotations = vec![new_annotation(CAT); 4];
    annotations[1].label.clear();
    annotations[3].confidence = Some(f64::NAN);
    annotations[3].x = 0.9;
    let status =
        fixture.client.clone().bulk_create_annotations(by("alice", bulk(annotations))).await.unwrap_err();
    assert_eq!(
        fields(&status),
        ["annotations[1].label", "annotations[3].width", "annotations[3].confidence"]
    );
    assert!(status.message().starts_with("annotations[1].label must be"), "{status:?}");
    assert_eq!(fixture.stored().await, 0);
}

#[tokio::test]
async fn one_image_of_another_user_rejects_the_whole_bulk() {
    let fixture = Fixture::start().await;
    for image in [BOBS, NOBODYS] {
        let annotations =
            vec![new_annotation(CAT), new_annotation(DOG), new_annotation(image), new_annotation(CAT)];
        let request = by("alice", bulk(annotations));
        let status = fixture.client.clone().bulk_create_annotations(request).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(status.message(), "Image not found (annotations[2].image_id)");
        assert_eq!(status.get_details_resource_info().unwrap().resource_name, image);
    }
    assert_eq!(fixture.stored().await, 0);
}

#[tokio::test]
async fn an_image_that_is_purged_just_before_the_insert_is_reported_and_nothing_is_stored() {
    let fixture = Fixture::start().await;
    store(&fixture, vec![new_annotation(CAT), new_annotation(DOG)]).await;
    fixture.images.delete(DOG);
    fixture.database.before_writes(vec![Statement::new("DELETE FROM images WHERE id = ?1").bind(DOG)]);
    let request = by("alice", bulk(vec![new_annotation(CAT), new_annotation(DOG)]));
    let status = fixture.client.clone().bulk_create_annotations(request).await.unwrap_err();
    assert_eq!(status.message(), "Image not found (annotations[1].image_id)");
    assert_eq!(fixture.stored().await, 1);
}

#[tokio::test]
async fn a_bulk_of_any_size_takes_two_statements_and_one_owner_request() {
    let fixture = Fixture::start().await;
    let annotations: Vec<_> = (0..500).map(|n| new_annotation(if n % 2 == 0 { CAT } else { DOG })).collect();
    fixture.client.clone().bulk_create_annotations(by("alice", bulk(annotations))).await.unwrap();
    assert_eq!(fixture.database.take_count(), 2);
    let requests = fixture.images.requests();
    assert_eq!((requests.len(), requests[0].0.len()), (1, 2));
}
