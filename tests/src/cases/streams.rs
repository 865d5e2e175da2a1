//! Ingest streams: `/api/annotations/streams/{stream_id}`, and `IngestAnnotations`.

use anyhow::ensure;
use proto::annotations::v1 as pb;
use serde_json::{Value, json};

use crate::{
    Target,
    fixtures::{count_annotations, new_annotation},
    grpc,
};

fn batch(offset: usize, annotations: &[Value]) -> Value {
    json!({"offset": offset, "annotations": annotations})
}

/// Given batches that repeat or overlap, when they are appended to a stream, then each annotation is stored once.
pub(super) async fn a_resent_batch_is_not_stored_again(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let annotations = |count: usize| vec![new_annotation(&image_id); count];
    for (offset, count, next) in [(0, 3, "3"), (0, 3, "3"), (2, 4, "6"), (6, 0, "6")] {
        let response =
            user.post("/api/annotations/streams/run-1:append", &batch(offset, &annotations(count))).await?;
        ensure!(response.status == 200 && response.text("/next_offset") == next, "{offset}: {response:?}");
        ensure!(response.json["invalid"] == json!([]), "{response:?}");
    }
    ensure!(count_annotations(&user, &image_id).await? == 6);
    let stream = user.get("/api/annotations/streams/run-1").await?;
    ensure!(stream.text("/next_offset") == "6" && stream.text("/stream_id") == "run-1", "{stream:?}");
    let unknown = target.new_user().get("/api/annotations/streams/run-1").await?;
    ensure!(unknown.status == 404 && unknown.text("/code") == "NOT_FOUND", "{unknown:?}");
    Ok(())
}

/// Given a batch with invalid annotations, when it is appended, then the response reports them by offset and the others are
/// stored; a batch that would leave a gap is rejected with the offset at which to resume.
pub(super) async fn invalid_annotations_and_gaps_are_reported(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let mut invalid = new_annotation(&image_id);
    invalid["confidence"] = json!(1.5);
    let foreign = new_annotation("0190a0b0c0d07abc8000000000000009");
    let path = "/api/annotations/streams/run-1:append";
    let response = user.post(path, &batch(0, &[new_annotation(&image_id), invalid, foreign])).await?;
    let expected = json!([
        {"offset": "1", "field": "confidence", "reason": "must be between 0 and 1"},
        {"offset": "2", "field": "image_id", "reason": "must be an image that exists"},
    ]);
    ensure!(response.json["invalid"] == expected && response.text("/next_offset") == "3", "{response:?}");
    ensure!(count_annotations(&user, &image_id).await? == 1);
    let gap = user.post(path, &batch(4, &[new_annotation(&image_id)])).await?;
    ensure!(gap.status == 400 && gap.text("/code") == "OUT_OF_RANGE", "{gap:?}");
    ensure!(gap.text("/details/0/metadata/next_offset") == "3", "{gap:?}");
    Ok(())
}

/// Given a gRPC producer, when it streams, disconnects and streams again from an earlier offset, then each annotation is
/// stored once.
pub(super) async fn a_producer_resumes_at_its_offset(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let one = pb::NewAnnotation {
        image_id: image_id.clone(),
        label: "car".to_owned(),
        width: 0.5,
        height: 0.5,
        ..Default::default()
    };
    for (first, last) in [(0, 40), (25, 60)] {
        let mut client = grpc::annotations(target.protocol, target.annotations, &user.token).await?;
        let opening = pb::IngestAnnotationsRequest { stream_id: "run-1".to_owned(), ..Default::default() };
        let (annotations, stream_id) = (vec![one.clone(); 5], String::new());
        let message = move |offset| pb::IngestAnnotationsRequest {
            stream_id: stream_id.clone(),
            offset,
            annotations: annotations.clone(),
        };
        let messages = std::iter::once(opening).chain((first..last).step_by(5).map(message));
        let messages = futures_util::stream::iter(messages.collect::<Vec<_>>());
        let mut responses = client.ingest_annotations(messages).await?.into_inner();
        let mut next_offset = 0;
        while let Some(response) = responses.message().await? {
            ensure!(response.next_offset >= next_offset && response.invalid.is_empty(), "{response:?}");
            next_offset = response.next_offset;
        }
        ensure!(next_offset == last, "{next_offset} of {last}");
    }
    ensure!(count_annotations(&user, &image_id).await? == 60);
    Ok(())
}
