//! The rules of gRPC for every call, on each port: the number of messages, their size, flags and ends, deadlines, media types.
//! They include the cases of connectrpc's conformance suite that apply here (unexpected requests, sizes, timeouts, HTTP).

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

/// A message with its header, whose declared length may be wrong.
fn message(flags: u8, declared: usize, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(declared).unwrap_or(u32::MAX).to_be_bytes();
    [&[flags], &length[..], payload].concat()
}

fn encode(message: &impl prost::Message) -> Vec<u8> {
    let bytes = message.encode_to_vec();
    self::message(0, bytes.len(), &bytes)
}

/// The status of a call of `rpc`, a name or a whole path, with this body and optionally one more header.
async fn call_status(
    user: &User,
    address: SocketAddr,
    rpc: &str,
    body: Vec<u8>,
    header: Option<(&str, &str)>,
) -> anyhow::Result<Status> {
    let path = if rpc.starts_with('/') { rpc.to_owned() } else { format!("{SERVICE}/{rpc}") };
    let mut request = Request::post(format!("http://{address}{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", format!("Bearer {}", user.token));
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let request = request.body(Body::new(Full::from(body)))?;
    let response = grpc::connect_unchecked(user.target.protocol, address).await?.oneshot(request).await?;
    status_of(response).await
}

async fn status_of(response: Response<Body>) -> anyhow::Result<Status> {
    let (head, body) = response.into_parts();
    let trailers = body.collect().await?.trailers().cloned().unwrap_or_default();
    let status = grpc_web::status_from_trailers(&head.headers);
    let status = status.or_else(|| grpc_web::status_from_trailers(&trailers));
    status.with_context(|| format!("no status in {:?} {trailers:?}", head.headers))
}

/// Given each port, when a call violates a rule of gRPC, then it gets the status that gRPC defines, with a message.
pub(super) async fn an_invalid_grpc_call_gets_the_status_that_grpc_defines(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let good = encode(&GetIngestStreamRequest { stream_id: "none".to_owned() });
    let large = aip::MAX_MESSAGE_BYTES + 1;
    let unary = "GetIngestStream";
    for address in [target.annotations, target.gateway] {
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
            ("an unknown service", "/no.such.Service/Nothing", good.clone(), None, Code::Unimplemented),
        ] {
            let status =
                call_status(&user, address, rpc, body, header).await.with_context(|| what.to_owned())?;
            ensure!(status.code() == code, "{what} at {address}: {status:?}");
            ensure!(!status.message().is_empty(), "{what} at {address}: {status:?}");
            ensure!(!status.message().contains("decoded message length"), "{what} at {address}: {status:?}");
        }
    }
    Ok(())
}

/// Given each port, when something other than a gRPC call is sent to an RPC's path, then it responds 405 or 415.
pub(super) async fn the_path_of_an_rpc_accepts_only_grpc_calls(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    for address in [target.annotations, target.gateway] {
        let url = format!("http://{address}{SERVICE}/GetIngestStream");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let response =
                target.client.request(method.clone(), &url).bearer_auth(&user.token).send().await?;
            ensure!(response.status() == 405, "{method} at {address}: {response:?}");
            ensure!(response.headers()["allow"] == "POST", "{method} at {address}: {response:?}");
        }
        for media_type in ["application/json", "application/grpc-web+json", "text/plain"] {
            let post = target.client.post(&url).bearer_auth(&user.token).header("content-type", media_type);
            let response = post.body("{}").send().await?;
            ensure!(response.status() == 415, "{media_type} at {address}: {response:?}");
        }
    }
    Ok(())
}

/// Given the maximum number of annotations for a message, with the longest texts, when they are sent on each port, then they
/// are stored.
pub(super) async fn the_largest_valid_batch_is_stored(target: Target) -> anyhow::Result<()> {
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
    let response = client.append_annotations(append).await?.into_inner();
    ensure!((response.next_offset, response.invalid.len()) == (5_000, 0), "{}", response.next_offset);

    // Resend by HTTP, and by a stream if the target supports streams. Nothing is stored twice.
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
    let response = user.post(path, &serde_json::json!({"offset": 0, "annotations": batch})).await?;
    ensure!(response.status == 200 && response.text("/next_offset") == "5000", "{response:?}");
    if target.protocol == crate::Protocol::Grpc {
        let message = IngestAnnotationsRequest { stream_id: "largest".to_owned(), offset: 0, annotations };
        let mut client = grpc::annotations(target.protocol, target.annotations, &user.token).await?;
        let mut responses =
            client.ingest_annotations(futures_util::stream::iter([message])).await?.into_inner();
        let response = responses.message().await?.context("no response")?;
        ensure!(response.next_offset == 5_000, "{response:?}");
    }
    Ok(())
}
