//! Uploads to a path that names a resource: no part of the form can name another one.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use gateway_core::Upstreams;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use prost::Message as _;
use tonic::{Status, body::Body};

use crate::{
    service::Scripted,
    stack::{Stack, config, descriptor_set, gateway_to, request},
};

const CONTRACT: &str = r#"
    syntax = "proto3";
    package test.v1;
    import "google/api/annotations.proto";
    import "reticle/http/v1/options.proto";
    service Shelves {
      rpc Put(stream PutRequest) returns (Info) {
        option (google.api.http) = { post: "/shelves/{info.shelf}" body: "*" };
        option (reticle.http.v1.method) = { upload: { info: "info" data: "data" file_part: "file" } };
      }
    }
    message PutRequest { oneof payload { Info info = 1; bytes data = 2; } }
    message Info { string shelf = 1; string note = 2; }
"#;

#[derive(Clone, PartialEq, prost::Message)]
struct Info {
    #[prost(string, tag = "1")]
    shelf: String,
    #[prost(string, tag = "2")]
    note: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PutRequest {
    #[prost(message, optional, tag = "1")]
    info: Option<Info>,
    #[prost(bytes = "vec", tag = "2")]
    data: Vec<u8>,
}

/// A gateway to a service that returns the last description that it received.
fn start() -> Stack {
    let service = tower::service_fn(|request: Request<Body>| async {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let mut infos =
            split(&body).into_iter().filter_map(|message| PutRequest::decode(message).unwrap().info);
        let last = infos.next_back().unwrap().encode_to_vec();
        let head = [0, 0, 0, 0, u8::try_from(last.len()).unwrap()];
        let frames = [
            Frame::data(Bytes::from([&head[..], &last].concat())),
            Frame::trailers(grpc_web::trailers_from_status(&Status::ok(""))),
        ];
        let frames = stream::iter(frames.map(Ok::<_, Infallible>));
        Ok::<_, Infallible>(Response::new(Body::new(StreamBody::new(frames))))
    });
    let upstreams = Upstreams::new().with("test.v1.Shelves", service);
    let gateway = gateway_to(&descriptor_set(CONTRACT), config(), upstreams).unwrap();
    Stack { gateway, service: Scripted::default() }
}

/// The messages of a body.
fn split(mut body: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while let Some(([_, length @ ..], rest)) = body.split_first_chunk::<5>() {
        let (message, rest) = rest.split_at(u32::from_be_bytes(*length).try_into().unwrap());
        messages.push(message);
        body = rest;
    }
    messages
}

#[tokio::test]
async fn a_text_part_overrides_a_parameter_but_not_the_path() {
    let stack = start();
    let part = |name: &str, text: &str| {
        format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let file = part("file\"; filename=\"a.png", "PNG");
    let other = |shelf: &str| [part("shelf", shelf), part("note", "of the form")].concat();
    for form in [other("other") + &file, file.clone() + &other("other"), other("") + &file] {
        let reply = request("POST /shelves/own?note=of%20the%20query")
            .header("content-type", "multipart/form-data; boundary=X")
            .body(format!("{form}--X--\r\n"))
            .send(&stack)
            .await;
        assert_eq!(reply.status, 200, "{form}: {:?}", reply.body);
        assert_eq!(reply.json(), serde_json::json!({"shelf": "own", "note": "of the form"}), "{form}");
    }
}
