//! Requests with a marked end: an interrupted one is never taken as complete.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use grpc_web::{GrpcWebClient, MarkEnd};
use http::{Request, request};
use tonic::{Code, body::Body};
use tower::{ServiceExt as _, service_fn};

use crate::support::{Script, http_response, message, read, request_body};

const BINARY: &str = "application/grpc-web+proto";

/// What a client with marked requests sends for a request with this body.
async fn sent(body: Vec<u8>) -> (request::Parts, Vec<u8>) {
    let sent = Arc::new(Mutex::new(None));
    let wire = service_fn({
        let sent = Arc::clone(&sent);
        move |request: Request<Body>| {
            sent.lock().unwrap().replace(request);
            std::future::ready(Ok::<_, Infallible>(http_response(BINARY, Script::default())))
        }
    });
    let request = Request::post("/echo.v1.Echo/Say").body(Body::new(Script::data(body))).unwrap();
    GrpcWebClient::new(MarkEnd::new(wire)).oneshot(request).await.unwrap();
    let (head, body) = sent.lock().unwrap().take().unwrap().into_parts();
    (head, read(body).await.unwrap().data())
}

#[tokio::test]
async fn a_marked_request_arrives_as_it_was_sent() {
    for body in [vec![], message("hi"), [message("hi"), message("you")].concat()] {
        let (head, wire) = sent(body.clone()).await;
        let arrived = request_body(Request::from_parts(head, Script::data(wire))).await.unwrap();
        assert_eq!(arrived.data(), body);
    }
}

#[tokio::test]
async fn a_marked_request_that_ends_early_is_an_error() {
    let (head, whole) = sent([message("hi"), message("you")].concat()).await;
    for cut in 0..whole.len() {
        let part = Script::data(whole[..cut].to_vec());
        let broken = request_body(Request::from_parts(head.clone(), part)).await.unwrap_err();
        assert_eq!(broken.status.code(), Code::Internal, "cut at {cut}");
    }
}
