use proto::annotations::v1 as pb;
use tonic::Code;

use crate::fixture::{BOBS, CAT, DOG, Fixture, NOBODYS, by, by_any, fields, new_annotation};

fn list(image_id: &str) -> pb::ListAnnotationsRequest {
    pb::ListAnnotationsRequest { image_id: image_id.to_owned(), ..Default::default() }
}

async fn page(fixture: &Fixture, request: pb::ListAnnotationsRequest) -> pb::ListAnnotationsResponse {
    fixture.client.clone().list_annotations(by("alice", request)).await.unwrap().into_inner()
}

fn labels(page: &pb::ListAnnotationsResponse) -> Vec<&str> {
    page.annotations.iter().map(|annotation| annotation.label.as_str()).collect()
}

/// Stores `count` annotations labelled `0`, `1`, … on CAT.
async fn create_numbered(fixture: &Fixture, count: usize) {
    let label = |n: usize| pb::NewAnnotation { label: n.to_string(), ..new_annotation(CAT) };
    for start in (0..count).step_by(500) {
        let annotations = (start..count.min(start + 500)).map(label).collect();
        let request = by("alice", pb::BulkCreateAnnotationsRequest { annotations });
        fixture.client.clone().bulk_create_annotations(request).await.unwrap();
        fixture.clock.advance_millis(1);
    }
}

#[tokio::test]
async fn annotations_of_one_image_are_listed_newest_first() {
    let fixture = Fixture::start().await;
    create_numbered(&fixture, 3).await;
    fixture.create(new_annotation(DOG)).await;
    let all = page(&fixture, list(CAT)).await;
    assert_eq!((labels(&all), all.next_page_token.as_str()), (vec!["2", "1", "0"], ""));
}

#[tokio::test]
async fn pages_contain_each_annotation_once_while_others_are_added() {
    let fixture = Fixture::start().await;
    create_numbered(&fixture, 5).await;
    let mut seen = Vec::new();
    let mut request = pb::ListAnnotationsRequest { page_size: 2, ..list(CAT) };
    loop {
        let page = page(&fixture, request.clone()).await;
        seen.extend(labels(&page).into_iter().map(str::to_owned));
        fixture.create(new_annotation(CAT)).await;
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(seen, ["4", "3", "2", "1", "0"]);
}

#[tokio::test]
async fn a_last_page_that_is_full_has_no_token() {
    let fixture = Fixture::start().await;
    create_numbered(&fixture, 2).await;
    let full = page(&fixture, pb::ListAnnotationsRequest { page_size: 2, ..list(CAT) }).await;
    assert_eq!((full.annotations.len(), full.next_page_token.as_str()), (2, ""));
}

#[tokio::test]
async fn the_maximum_and_default_page_size_is_1000() {
    let fixture = Fixture::start().await;
    create_numbered(&fixture, 1_001).await;
    for page_size in [0, 1_000, 1_001, i32::MAX] {
        let page = page(&fixture, pb::ListAnnotationsRequest { page_size, ..list(CAT) }).await;
        assert_eq!(page.annotations.len(), 1_000);
        assert!(!page.next_page_token.is_empty());
    }
}

#[tokio::test]
async fn filters_narrow_the_list() {
    let fixture = Fixture::start().await;
    for (label, confidence) in [("bus", Some(0.5)), ("dog", None), ("car", Some(0.4))] {
        fixture
            .create(pb::NewAnnotation { label: label.to_owned(), confidence, ..new_annotation(CAT) })
            .await;
        fixture.clock.advance_millis(1);
    }
    let request = by_any("model", pb::CreateAnnotationRequest { annotation: Some(new_annotation(CAT)) });
    fixture.client.clone().create_annotation(request).await.unwrap();

    let none = list(CAT);
    let cases = [
        (pb::ListAnnotationsRequest { label: "car".to_owned(), ..none.clone() }, vec!["car", "car"]),
        (pb::ListAnnotationsRequest { label: "Car".to_owned(), ..none.clone() }, vec![]),
        (pb::ListAnnotationsRequest { min_confidence: Some(0.5), ..none.clone() }, vec!["car", "bus"]),
        (pb::ListAnnotationsRequest { min_confidence: Some(0.0), ..none.clone() }, vec!["car", "car", "bus"]),
        (pb::ListAnnotationsRequest { created_by: "model".to_owned(), ..none.clone() }, vec!["car"]),
        (
            pb::ListAnnotationsRequest { created_by: "alice".to_owned(), label: "bus".to_owned(), ..none },
            vec!["bus"],
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(labels(&page(&fixture, request.clone()).await), expected, "{request:?}");
    }
}

#[tokio::test]
async fn a_page_token_is_valid_for_its_own_query_only() {
    let fixture = Fixture::start().await;
    create_numbered(&fixture, 3).await;
    let first = page(&fixture, pb::ListAnnotationsRequest { page_size: 1, ..list(CAT) }).await;
    let next = pb::ListAnnotationsRequest { page_token: first.next_page_token, ..list(CAT) };
    let others = [
        pb::ListAnnotationsRequest { image_id: DOG.to_owned(), ..next.clone() },
        pb::ListAnnotationsRequest { label: "0".to_owned(), ..next.clone() },
        pb::ListAnnotationsRequest { min_confidence: Some(0.0), ..next.clone() },
        pb::ListAnnotationsRequest { created_by: "alice".to_owned(), ..next.clone() },
    ];
    for request in others {
        let status = fixture.client.clone().list_annotations(by("alice", request)).await.unwrap_err();
        assert_eq!(fields(&status), ["page_token"]);
    }
    assert_eq!(
        labels(&page(&fixture, pb::ListAnnotationsRequest { page_size: 7, ..next }).await),
        ["1", "0"]
    );
}

#[tokio::test]
async fn all_violations_of_a_list_request_are_reported() {
    let fixture = Fixture::start().await;
    let request = pb::ListAnnotationsRequest {
        image_id: "cat".to_owned(),
        label: "l".repeat(101),
        min_confidence: Some(1.5),
        created_by: "a\0".to_owned(),
        page_size: -1,
        page_token: String::new(),
    };
    let status = fixture.client.clone().list_annotations(by("alice", request)).await.unwrap_err();
    assert_eq!(fields(&status), ["image_id", "label", "min_confidence", "created_by", "page_size"]);
}

#[tokio::test]
async fn listing_an_image_of_another_user_is_not_found() {
    let fixture = Fixture::start().await;
    for image in [BOBS, NOBODYS] {
        let status = fixture.client.clone().list_annotations(by("alice", list(image))).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    }
}

#[tokio::test]
async fn listing_takes_one_statement() {
    let fixture = Fixture::start().await;
    page(&fixture, list(CAT)).await;
    assert_eq!(fixture.database.take_count(), 1);
}

#[tokio::test]
async fn a_page_reads_at_most_10000_annotations_and_the_next_one_continues() {
    let fixture = Fixture::start().await;
    create_numbered(&fixture, 10_001).await;
    let nobody = pb::ListAnnotationsRequest { created_by: "nobody".to_owned(), ..list(CAT) };
    let sure = pb::ListAnnotationsRequest { min_confidence: Some(1.0), ..list(CAT) };
    let oldest = pb::ListAnnotationsRequest { label: "0".to_owned(), ..list(CAT) };
    for (request, expected) in [(nobody, vec![]), (sure, vec![]), (oldest, vec!["0"])] {
        let first = page(&fixture, request.clone()).await;
        assert!(first.annotations.is_empty() && !first.next_page_token.is_empty());
        let next = pb::ListAnnotationsRequest { page_token: first.next_page_token, ..request };
        let last = page(&fixture, next).await;
        assert_eq!((labels(&last), last.next_page_token.as_str()), (expected, ""));
    }
}

#[tokio::test]
async fn a_filter_over_fewer_than_10000_annotations_takes_one_page() {
    let fixture = Fixture::start().await;
    create_numbered(&fixture, 9_999).await;
    for (label, expected) in [("0", vec!["0"]), ("none", vec![])] {
        let request = pb::ListAnnotationsRequest { label: label.to_owned(), ..list(CAT) };
        let only = page(&fixture, request).await;
        assert_eq!((labels(&only), only.next_page_token.as_str()), (expected, ""));
    }
}
