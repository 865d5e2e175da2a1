//! Streams of boxes: `/api/annotations/streams/{stream_id}`, and `IngestAnnotations`.

use anyhow::{Context as _, ensure};
use proto::annotations::v1 as pb;
use serde_json::{Value, json};

use super::annotations::a_box;
use crate::{Target, User, grpc};

async fn stored(user: &User, image_id: &str) -> anyhow::Result<usize> {
    let list = user.get(&format!("/api/annotations/by-image/{image_id}")).await?;
    Ok(list.json["annotations"].as_array().with_context(|| format!("no list in {list:?}"))?.len())
}

fn batch(offset: usize, boxes: &[Value]) -> Value {
    json!({"offset": offset, "annotations": boxes})
}

/// Given batches that are sent once, twice and in pieces, when a stream has taken them, then each box is there once.
pub(super) async fn a_batch_that_is_sent_again_is_not_stored_again(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let boxes = |count: usize| vec![a_box(&image_id); count];
    for (offset, count, next) in [(0, 3, "3"), (0, 3, "3"), (2, 4, "6"), (6, 0, "6")] {
        let answer =
            user.post("/api/annotations/streams/run-1:append", &batch(offset, &boxes(count))).await?;
        ensure!(answer.status == 200 && answer.text("/next_offset") == next, "{offset}: {answer:?}");
        ensure!(answer.json["invalid"] == json!([]), "{answer:?}");
    }
    ensure!(stored(&user, &image_id).await? == 6);
    let stream = user.get("/api/annotations/streams/run-1").await?;
    ensure!(stream.text("/next_offset") == "6" && stream.text("/stream_id") == "run-1", "{stream:?}");
    let unknown = target.new_user().get("/api/annotations/streams/run-1").await?;
    ensure!(unknown.status == 404 && unknown.text("/code") == "NOT_FOUND", "{unknown:?}");
    Ok(())
}

/// Given a batch with bad boxes in it, when it is appended, then they are told by their places and the others stored;
/// what would leave a gap is refused with the offset to go on from.
pub(super) async fn bad_boxes_and_gaps_are_told(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let mut bad = a_box(&image_id);
    bad["confidence"] = json!(1.5);
    let foreign = a_box("0190a0b0c0d07abc8000000000000009");
    let path = "/api/annotations/streams/run-1:append";
    let answer = user.post(path, &batch(0, &[a_box(&image_id), bad, foreign])).await?;
    let told = json!([
        {"offset": "1", "field": "confidence", "reason": "must be between 0 and 1"},
        {"offset": "2", "field": "image_id", "reason": "must be an image that exists"},
    ]);
    ensure!(answer.json["invalid"] == told && answer.text("/next_offset") == "3", "{answer:?}");
    ensure!(stored(&user, &image_id).await? == 1);
    let gap = user.post(path, &batch(4, &[a_box(&image_id)])).await?;
    ensure!(gap.status == 400 && gap.text("/code") == "OUT_OF_RANGE", "{gap:?}");
    ensure!(gap.text("/details/0/metadata/next_offset") == "3", "{gap:?}");
    Ok(())
}

/// Given a producer over gRPC, when it streams, breaks off and streams again from too far back, then each box is there
/// once.
pub(super) async fn a_producer_resumes_where_it_was(target: Target) -> anyhow::Result<()> {
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
        let mut answers = client.ingest_annotations(messages).await?.into_inner();
        let mut next_offset = 0;
        while let Some(answer) = answers.message().await? {
            ensure!(answer.next_offset >= next_offset && answer.invalid.is_empty(), "{answer:?}");
            next_offset = answer.next_offset;
        }
        ensure!(next_offset == last, "{next_offset} of {last}");
    }
    ensure!(stored(&user, &image_id).await? == 60);
    Ok(())
}
