//! gRPC-web frames, in both directions, binary and base64. The result must not depend on how the bytes are split into chunks.
#![no_main]

use std::convert::Infallible;

use bytes::Bytes;
use futures_executor::block_on;
use grpc_web::{GrpcWeb, GrpcWebClient};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use libfuzzer_sys::fuzz_target;
use tonic::body::Body;
use tower::{ServiceExt as _, service_fn};

/// Data and trailers. `None` if an error ended them: which of several errors, and after how much data, depends on the chunks.
type Read = Option<(Vec<u8>, Option<HeaderMap>)>;

fuzz_target!(|data: &[u8]| {
    for (content_type, accept) in [
        ("application/grpc-web+proto", "application/grpc-web+proto"),
        ("application/grpc-web-text+proto", "application/grpc-web-text+proto"),
        ("application/grpc-web", "application/grpc-web-text"),
    ] {
        assert_eq!(
            request(content_type, accept, data, data.len().max(1)),
            request(content_type, accept, data, 3)
        );
        assert_eq!(response(content_type, data, data.len().max(1)), response(content_type, data, 3));
    }
});

fn pieces(data: &[u8], length: usize) -> Body {
    let pieces: Vec<_> = data.chunks(length).map(Bytes::copy_from_slice).collect();
    let frames = pieces.into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
    Body::new(StreamBody::new(futures_util::stream::iter(frames)))
}

/// What the service receives of a request.
fn request(content_type: &'static str, accept: &'static str, data: &[u8], length: usize) -> Read {
    let (sender, receiver) = std::sync::mpsc::channel();
    let inner = service_fn(move |request: Request<Body>| {
        let sender = sender.clone();
        async move {
            let _ = sender.send(read(request.into_body()).await);
            let mut response = Response::new(Body::empty());
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            response.headers_mut().insert("grpc-status", HeaderValue::from_static("0"));
            Ok::<_, Infallible>(response)
        }
    });
    let mut request = Request::post("/a/b").body(pieces(data, length)).unwrap();
    request.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
    request.headers_mut().insert("accept", HeaderValue::from_static(accept));
    let response = block_on(GrpcWeb::new(inner).oneshot(request)).unwrap();
    assert_eq!(response.status(), 200);
    block_on(read(response.into_body())).expect("the response of a service that succeeds");
    receiver.try_recv().unwrap()
}

/// What the client receives of a response.
fn response(content_type: &'static str, data: &[u8], length: usize) -> Read {
    let data = data.to_vec();
    let inner = service_fn(move |_: Request<Body>| {
        let mut response = Response::new(pieces(&data, length));
        response.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
        async move { Ok::<_, Infallible>(response) }
    });
    let request = Request::post("/a/b").body(Body::empty()).unwrap();
    match block_on(GrpcWebClient::new(inner).oneshot(request)) {
        Ok(response) => block_on(read(response.into_body())),
        Err(_) => None,
    }
}

async fn read(mut body: Body) -> Read {
    let (mut data, mut trailers) = (Vec::new(), None);
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(piece)) => data.extend_from_slice(&piece),
            Ok(Err(frame)) => trailers = frame.into_trailers().ok(),
            Err(_) => return None,
        }
    }
    assert!(trailers.is_none() || body.is_end_stream() || body.frame().await.is_none());
    Some((data, trailers))
}
