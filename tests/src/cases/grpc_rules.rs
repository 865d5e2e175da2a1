//! What gRPC asks of every call, at each door: the number of messages, their size, flags and ends, deadlines, media types.
//! The cases of connectrpc's conformance suite that apply here (unexpected requests, sizes, timeouts, HTTP) are among them.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use proto::annotations::v1::{
    AppendAnnotationsRequest, GetIngestStreamRequest, IngestAnnotationsRequest, NewAnnotation,
};
use reqwest::Method;
use tonic::{Code, Status, body::Body};
use tower::ServiceExt as _;

use crate::{Target, User, grpc};

const SERVICE: &str = "/reticle.annotations.v1.AnnotationsService";

/// A message with its header, which may say other than the truth.
fn message(flags: u8, declared: usize, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(declared).unwrap_or(u32::MAX).to_be_bytes();
    [&[flags], &length[..], payload].concat()
}

fn whole(message: &impl prost::Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    self::message(0, bytes.len(), &bytes)
}

/// The outcome of a call of `rpc` with that body and one more header.
async fn outcome(
    user: &User,
    door: SocketAddr,
    rpc: &str,
    body: Vec<u8>,
    header: Option<(&str, &str)>,
) -> anyhow::Result<Status> {
    let mut request = Request::post(format!("http://{door}{SERVICE}/{rpc}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {}", user.token));
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let request = request.body(Body::new(Full::from(body)))?;
    let response = grpc::connect_plainly(user.target.protocol, door).await?.oneshot(request).await?;
    status_of(response).await
}

async fn status_of(response: Response<Body>) -> anyhow::Result<Status> {
    let (head, body) = response.into_parts();
    let trailers = body.collect().await?.trailers().cloned().unwrap_or_default();
    let status = grpc_web::status_from_trailers(&head.headers);
    let status = status.or_else(|| grpc_web::status_from_trailers(&trailers));
    status.with_context(|| format!("no status in {:?} {trailers:?}", head.headers))
}

/// Given each door, when a call breaks a rule of gRPC, then its status is the one that gRPC has for it, with a sentence.
pub(super) async fn a_call_that_breaks_a_rule_has_the_status_that_grpc_says(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let good = whole(&GetIngestStreamRequest { stream_id: "none".to_owned() });
    let large = aip::MAX_MESSAGE_BYTES + 1;
    let unary = "GetIngestStream";
    for door in [target.annotations, target.gateway] {
        for (what, rpc, body, header, code) in [
            ("one message", unary, good.clone(), None, Code::NotFound),
            ("no message", unary, vec![], None, Code::Unimplemented),
            ("two messages", unary, [good.clone(), good.clone()].concat(), None, Code::Unimplemented),
            ("half a message", unary, good[..6].to_vec(), None, Code::Internal),
            ("compressed without an encoding", unary, message(1, 1, b"a"), None, Code::Internal),
            ("unknown flags", unary, message(2, 1, b"a"), None, Code::Internal),
            ("no protobuf", unary, message(0, 1, b"\xff"), None, Code::Internal),
            ("too large a message", unary, message(0, large, b"a"), None, Code::ResourceExhausted),
            (
                "too large in a stream",
                "IngestAnnotations",
                message(0, large, b"a"),
                None,
                Code::ResourceExhausted,
            ),
            ("half a message of a stream", "IngestAnnotations", vec![0, 0], None, Code::Internal),
            ("gzip", unary, good.clone(), Some(("grpc-encoding", "gzip")), Code::Unimplemented),
            ("identity", unary, good.clone(), Some(("grpc-encoding", "identity")), Code::NotFound),
            ("no time", unary, good.clone(), Some(("grpc-timeout", "0S")), Code::DeadlineExceeded),
            ("a nanosecond", unary, good.clone(), Some(("grpc-timeout", "1n")), Code::DeadlineExceeded),
            ("a minute", unary, good.clone(), Some(("grpc-timeout", "1M")), Code::NotFound),
            ("not a time", unary, good.clone(), Some(("grpc-timeout", "soon")), Code::InvalidArgument),
            ("an unknown RPC", "Nothing", good.clone(), None, Code::Unimplemented),
        ] {
            let status = outcome(&user, door, rpc, body, header).await.with_context(|| what.to_owned())?;
            ensure!(status.code() == code, "{what} at {door}: {status:?}");
            ensure!(!status.message().is_empty(), "{what} at {door}: {status:?}");
            ensure!(!status.message().contains("decoded message length"), "{what} at {door}: {status:?}");
        }
    }
    Ok(())
}

/// Given each door, when something else than a call is sent to an RPC's path, then HTTP says what the path takes.
pub(super) async fn an_rpcs_path_takes_calls_alone(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    for door in [target.annotations, target.gateway] {
        let url = format!("http://{door}{SERVICE}/GetIngestStream");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let response =
                target.client.request(method.clone(), &url).bearer_auth(&user.token).send().await?;
            ensure!(response.status() == 405, "{method} at {door}: {response:?}");
            ensure!(response.headers()["allow"] == "POST", "{method} at {door}: {response:?}");
        }
        for media_type in ["application/json", "application/grpc-web+json", "text/plain"] {
            let post = target.client.post(&url).bearer_auth(&user.token).header("content-type", media_type);
            let response = post.body("{}").send().await?;
            ensure!(response.status() == 415, "{media_type} at {door}: {response:?}");
        }
    }
    Ok(())
}

/// Given as many annotations as a message may have, with the longest texts, when they are sent over each door, then they are
/// stored.
pub(super) async fn the_largest_batch_that_the_contract_allows_is_stored(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = user.new_image().await?;
    let annotation = NewAnnotation {
        image_id: image_id.clone(),
        label: "🚗".repeat(100),
        x: 0.1,
        y: 0.1,
        width: 0.1,
        height: 0.1,
        confidence: Some(0.1),
        model: "🚗".repeat(200),
    };
    let annotations = vec![annotation; 5_000];
    let stream_id = "largest".to_owned();
    let append = AppendAnnotationsRequest { stream_id, offset: 0, annotations: annotations.clone() };
    let mut client = grpc::annotations(target.protocol, target.gateway, &user.token).await?;
    let answer = client.append_annotations(append).await?.into_inner();
    ensure!((answer.next_offset, answer.invalid.len()) == (5_000, 0), "{}", answer.next_offset);

    // Again, and so nothing is stored twice: by HTTP, and by a stream where there are streams.
    let batch: Vec<_> = annotations
        .iter()
        .map(|one| {
            serde_json::json!({
                "image_id": one.image_id, "label": one.label, "model": one.model, "confidence": one.confidence,
                "x": one.x, "y": one.y, "width": one.width, "height": one.height,
            })
        })
        .collect();
    let path = "/api/annotations/streams/largest:append";
    let answer = user.post(path, &serde_json::json!({"offset": 0, "annotations": batch})).await?;
    ensure!(answer.status == 200 && answer.text("/next_offset") == "5000", "{answer:?}");
    if target.protocol == crate::Protocol::Grpc {
        let message = IngestAnnotationsRequest { stream_id: "largest".to_owned(), offset: 0, annotations };
        let mut client = grpc::annotations(target.protocol, target.annotations, &user.token).await?;
        let mut answers =
            client.ingest_annotations(futures_util::stream::iter([message])).await?.into_inner();
        let answer = answers.message().await?.context("no answer")?;
        ensure!(answer.next_offset == 5_000, "{answer:?}");
    }
    Ok(())
}
