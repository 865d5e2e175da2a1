//! Complete calls from tonic's client through [`GrpcWebClient`] and [`GrpcWeb`] to tonic's server.

use grpc_web::{GrpcWeb, GrpcWebClient};
use tonic::{Code, Request, body::Body, metadata::MetadataValue};

use crate::echo::{self, Echo, client};

fn through_both() -> tonic::client::Grpc<GrpcWebClient<GrpcWeb<Echo>>> {
    client(GrpcWebClient::new(GrpcWeb::new(Echo)))
}

#[tokio::test]
async fn a_unary_call_carries_its_metadata_both_ways() {
    let mut request = Request::new("hello".to_owned());
    request.metadata_mut().insert("x-tag", "a".parse().unwrap());
    request.metadata_mut().append("x-tag", "b".parse().unwrap());
    request.metadata_mut().insert_bin("x-data-bin", MetadataValue::from_bytes(&[0, 1, 254, 255]));
    let response = echo::unary(&mut through_both(), request).await.unwrap();
    assert_eq!(response.get_ref(), "hello");
    let tags: Vec<_> = response.metadata().get_all("x-tag").iter().map(|tag| tag.to_str().unwrap()).collect();
    assert_eq!(tags, ["a", "b"]);
    let data = response.metadata().get_bin("x-data-bin").unwrap().to_bytes().unwrap();
    assert_eq!(data[..], [0, 1, 254, 255]);
}

#[tokio::test]
async fn a_message_of_a_megabyte_arrives() {
    let large = "x".repeat(1_000_000);
    let response = echo::unary(&mut through_both(), Request::new(large.clone())).await.unwrap();
    assert_eq!(response.into_inner(), large);
}

#[tokio::test]
async fn a_server_stream_arrives_message_by_message() {
    let mut stream = echo::server_stream(&mut through_both(), Request::new("a b  c".to_owned()))
        .await
        .unwrap()
        .into_inner();
    let mut words = Vec::new();
    while let Some(word) = stream.message().await.unwrap() {
        words.push(word);
    }
    assert_eq!(words, ["a", "b", "", "c"]);
    assert_eq!(stream.trailers().await.unwrap().unwrap().get("grpc-status").unwrap(), "0");
}

#[tokio::test]
async fn a_client_stream_arrives_completely() {
    let words = ["a", "", "c"].map(str::to_owned);
    let response = echo::client_stream(&mut through_both(), words).await.unwrap();
    assert_eq!(response.into_inner(), "a  c");
}

#[tokio::test]
async fn an_error_keeps_its_code_message_details_and_metadata() {
    let status = echo::unary(&mut through_both(), Request::new("fail".to_owned())).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, echo::MESSAGE));
    assert_eq!(status.details(), echo::DETAILS);
    assert_eq!(status.metadata().get("x-hint").unwrap(), "retry: no");
    assert_eq!(status.metadata().get_bin("x-hint-bin").unwrap().to_bytes().unwrap()[..], [1, 2]);
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_comes_after_its_messages() {
    let mut stream = echo::server_stream(&mut through_both(), Request::new("a fail b".to_owned()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap(), "a");
    let status = stream.message().await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, echo::MESSAGE));
    assert_eq!(status.details(), echo::DETAILS);
}

#[tokio::test]
async fn an_unknown_method_is_unimplemented() {
    let mut client = through_both();
    let status = echo::call_unknown(&mut client).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn native_grpc_passes_through_the_same_service() {
    let mut native = client(GrpcWeb::new(Echo));
    let response = echo::unary(&mut native, Request::new("hello".to_owned())).await.unwrap();
    assert_eq!(response.into_inner(), "hello");
    let status = echo::unary(&mut native, Request::new("fail".to_owned())).await.unwrap_err();
    assert_eq!(status.details(), echo::DETAILS);
}

#[test]
fn both_services_can_be_cloned_and_shared_between_threads() {
    fn shared<T: tower::Service<http::Request<Body>> + Clone + Send + Sync + 'static>(_: &T)
    where
        T::Future: Send,
    {
    }
    shared(&GrpcWeb::new(Echo));
    shared(&GrpcWebClient::new(GrpcWeb::new(Echo)));
}
