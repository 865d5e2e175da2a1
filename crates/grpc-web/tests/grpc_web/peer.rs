//! Calls to and from another implementation, tonic-web.

use grpc_web::{GrpcWeb, GrpcWebClient};
use tonic::{Code, Request, body::Body};
use tonic_web::{GrpcWebCall, GrpcWebClientLayer, GrpcWebLayer};
use tower::{Layer as _, ServiceExt};

use crate::echo::{self, Echo, client};

fn boxed(response: http::Response<GrpcWebCall<Body>>) -> http::Response<Body> {
    response.map(Body::new)
}

#[tokio::test]
async fn our_client_calls_their_server() {
    let mut client = client(GrpcWebClient::new(GrpcWebLayer::new().layer(Echo)));
    let response = echo::unary(&mut client, Request::new("hello".to_owned())).await.unwrap();
    assert_eq!(response.into_inner(), "hello");
    let mut stream =
        echo::server_stream(&mut client, Request::new("a b".to_owned())).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap(), "a");
    assert_eq!(stream.message().await.unwrap().unwrap(), "b");
    assert_eq!(stream.message().await.unwrap(), None);
    let status = echo::unary(&mut client, Request::new("fail".to_owned())).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message(), status.details()),
        (Code::FailedPrecondition, echo::MESSAGE, echo::DETAILS)
    );
}

#[tokio::test]
async fn their_client_calls_our_server() {
    let theirs = GrpcWebClientLayer::new().layer(GrpcWeb::new(Echo));
    let mut client = client(ServiceExt::<http::Request<Body>>::map_response(theirs, boxed));
    let response = echo::unary(&mut client, Request::new("hello".to_owned())).await.unwrap();
    assert_eq!(response.into_inner(), "hello");
    let mut stream =
        echo::server_stream(&mut client, Request::new("a fail".to_owned())).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap(), "a");
    let status = stream.message().await.unwrap_err();
    assert_eq!(
        (status.code(), status.message(), status.details()),
        (Code::FailedPrecondition, echo::MESSAGE, echo::DETAILS)
    );
    let status = echo::unary(&mut client, Request::new("fail".to_owned())).await.unwrap_err();
    assert_eq!(
        (status.code(), status.message(), status.details()),
        (Code::FailedPrecondition, echo::MESSAGE, echo::DETAILS)
    );
}
