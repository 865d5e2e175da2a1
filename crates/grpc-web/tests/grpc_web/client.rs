//! The client's side: the HTTP request that it sends.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use grpc_web::GrpcWebClient;
use http::{Request, Version};
use tonic::{Code, Status, body::Body};
use tower::{ServiceExt as _, service_fn};

use crate::support::{Script, headers, http_response};

const BINARY: &str = "application/grpc-web+proto";

#[tokio::test]
async fn a_grpc_request_becomes_a_web_request() {
    let sent = Arc::new(Mutex::new(None));
    let service = service_fn({
        let sent = Arc::clone(&sent);
        move |request: Request<Body>| {
            sent.lock().unwrap().replace(request.into_parts().0);
            std::future::ready(Ok::<_, Infallible>(http_response(BINARY, Script::default())))
        }
    });
    let mut request =
        Request::post("/echo.v1.Echo/Say").version(Version::HTTP_2).body(Body::empty()).unwrap();
    request.headers_mut().extend(headers(&[
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("grpc-timeout", "5S"),
        ("authorization", "Bearer t"),
    ]));
    GrpcWebClient::new(service).oneshot(request).await.unwrap();
    let sent = sent.lock().unwrap().take().unwrap();
    assert_eq!(sent.version, Version::HTTP_11);
    let expected = headers(&[
        ("content-type", BINARY),
        ("accept", BINARY),
        ("x-grpc-web", "1"),
        ("grpc-timeout", "5S"),
        ("authorization", "Bearer t"),
    ]);
    assert_eq!(sent.headers, expected);
}

#[tokio::test]
async fn a_call_that_could_not_be_made_is_unavailable() {
    let unreachable = service_fn(|_: Request<Body>| {
        std::future::ready(Err::<http::Response<Body>, _>(std::io::Error::other("connection refused")))
    });
    let status = GrpcWebClient::new(unreachable).oneshot(Request::new(Body::empty())).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unavailable, "The server could not be reached"));
    let own = service_fn(|_: Request<Body>| {
        std::future::ready(Err::<http::Response<Body>, _>(Status::deadline_exceeded("too late")))
    });
    let status = GrpcWebClient::new(own).oneshot(Request::new(Body::empty())).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
}
