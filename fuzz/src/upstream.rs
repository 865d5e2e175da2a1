//! The service behind the gateway: it checks that each message follows the contract, and has one image to download.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll},
};

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};
use proto::images::v1 as pb;
use tonic::{Status, body::Body};

/// The size of the image.
pub const CONTENT_BYTES: usize = 1000;

/// The byte of the image at `position`. Bytes differ from their neighbours, so that a shifted range is detected; the period is
/// a prime number, so that no power of two is a multiple of it.
pub fn content_byte(position: usize) -> u8 {
    u8::try_from(position % 251).unwrap()
}

/// The entity tag of the image.
const ETAG: &str = "abc";

/// What `/readyz` calls; it is not part of the contract.
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap());

/// Any service of the contract.
#[derive(Clone, Default)]
pub(crate) struct Upstream;

impl tower::Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            // The gateway ends a call with an error of the body.
            let Ok(body) = request.into_body().collect().await else {
                return Ok(Status::cancelled("the request ended early").into_http());
            };
            let messages = messages(body.to_bytes());
            if path != HEALTH_CHECK {
                messages.iter().for_each(|message| check(&path, message.clone()));
            }
            Ok(match &messages[..] {
                [message] if path.ends_with("/DownloadImage") => download(message.clone()),
                _ => Status::not_found("not found").into_http(),
            })
        })
    }
}

/// The messages of a body, which must be complete frames.
fn messages(mut body: Bytes) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while body.has_remaining() {
        assert_eq!(body.get_u8(), 0, "a frame is compressed");
        let length = usize::try_from(body.get_u32()).unwrap();
        messages.push(body.split_to(length));
    }
    messages
}

/// Checks that the message is one of the method's input type.
fn check(path: &str, message: Bytes) {
    let mut names = path.trim_start_matches('/').split('/');
    let (service, method) = (names.next().unwrap(), names.next().unwrap());
    let service = POOL.get_service_by_name(service).expect("an unknown service");
    let method = service.methods().find(|candidate| candidate.name() == method).expect("an unknown method");
    let message = DynamicMessage::decode(method.input(), message).expect("a message that cannot be decoded");
    assert_eq!(message.unknown_fields().count(), 0, "unknown fields");
}

fn download(request: Bytes) -> Response<Body> {
    let request = pb::DownloadImageRequest::decode(request).unwrap();
    let held = request.if_none_match.iter().any(|tag| tag == ETAG || tag == "*");
    let whole = !request.if_range.is_empty() && request.if_range != ETAG;
    let (offset, limit) = if whole { (0, 0) } else { (request.read_offset, request.read_limit) };
    let size_bytes = i32::try_from(CONTENT_BYTES).unwrap();
    if offset >= size_bytes || limit < 0 {
        return Status::out_of_range("past the end").into_http();
    }
    let offset = if offset < 0 { offset.saturating_add(size_bytes).max(0) } else { offset };
    let left = size_bytes - offset;
    let length = if limit == 0 { left } else { limit.min(left) };
    let content = pb::ImageContent {
        content_type: "image/png".to_owned(),
        filename: "a.png".to_owned(),
        size_bytes,
        etag: ETAG.to_owned(),
        read_offset: offset,
        read_length: if held { 0 } else { length },
        not_modified: held,
        ..pb::ImageContent::default()
    };
    let mut frames = vec![frame(pb::download_image_response::Payload::Content(content))];
    if !held {
        let (first, length) = (usize::try_from(offset).unwrap(), usize::try_from(length).unwrap());
        let data: Bytes = (first..first + length).map(content_byte).collect();
        frames.push(frame(pb::download_image_response::Payload::Data(data.into())));
    }
    let trailers =
        HeaderMap::from_iter([(http::HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
    let frames = frames.into_iter().map(Frame::data).chain([Frame::trailers(trailers)]);
    let body = StreamBody::new(futures_util::stream::iter(frames.map(Ok::<_, Infallible>)));
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

fn frame(payload: pb::download_image_response::Payload) -> Bytes {
    let message = pb::DownloadImageResponse { payload: Some(payload) }.encode_to_vec();
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).unwrap());
    frame.extend_from_slice(&message);
    frame.freeze()
}
