//! gRPC and gRPC-web on the same port as HTTP.

use std::time::Duration;

use bytes::Bytes;
use grpc_web::GrpcWebClient;
use proto::images::v1::{DownloadImageRequest, GetImageRequest, images_service_client::ImagesServiceClient};
use tonic::{Code, Request};

use crate::stack::{Stack, anonymous, config, gateway, request, start, token};

fn with_token<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {}", token()).parse().unwrap());
    request
}

fn get(id: &str) -> GetImageRequest {
    GetImageRequest { image_id: id.to_owned() }
}

#[tokio::test]
async fn a_grpc_client_can_call_a_service() {
    let stack = start();
    let mut client = ImagesServiceClient::new(stack.gateway.clone());
    let reply = client.get_image(with_token(get("abc"))).await.unwrap();
    assert_eq!(reply.metadata().get("x-reticle-bookmark").unwrap(), "after");
    assert!(reply.metadata().get("x-request-id").is_some());
    assert_eq!(reply.into_inner().image.unwrap().id, "abc");
    let error = client.get_image(with_token(get("missing"))).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::NotFound, "Image not found"));
    assert!(!error.details().is_empty());

    let download = DownloadImageRequest { image_id: "abc".to_owned(), ..Default::default() };
    let mut stream = client.download_image(with_token(download)).await.unwrap().into_inner();
    let mut messages = 0;
    while stream.message().await.unwrap().is_some() {
        messages += 1;
    }
    assert_eq!(messages, 4);
}

#[tokio::test]
async fn a_grpc_web_client_can_call_a_service() {
    let stack = start();
    let mut client = ImagesServiceClient::new(GrpcWebClient::new(stack.gateway.clone()));
    assert_eq!(client.get_image(with_token(get("abc"))).await.unwrap().into_inner().image.unwrap().id, "abc");
    let error = client.get_image(with_token(get("missing"))).await.unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::NotFound, "Image not found"));
    let error = client.get_image(Request::new(get("abc"))).await.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn errors_of_the_gateway_use_the_clients_protocol() {
    let stack = start();
    let mut native = ImagesServiceClient::new(stack.gateway.clone());
    assert_eq!(native.get_image(Request::new(get("abc"))).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(stack.service.seen().calls, 0);

    for path in ["/reticle.images.v1.ImagesService/Nothing", "/no.such.Service/Method", "/", "/a"] {
        let native =
            request(&format!("POST {path}")).header("content-type", "application/grpc").body(vec![0; 5]);
        let reply = native.send(&stack).await;
        assert_eq!((reply.status.as_u16(), reply.header("grpc-status")), (200, "12"), "{path}");
        assert_eq!(reply.header("content-type"), "application/grpc");

        let web = request(&format!("POST {path}")).header("content-type", "application/grpc-web+proto");
        let reply = web.body(vec![0; 5]).send(&stack).await;
        assert_eq!((reply.status.as_u16(), reply.body[0]), (200, 0x80), "{path}");
        assert!(String::from_utf8_lossy(&reply.body).contains("grpc-status:12\r\n"), "{:?}", reply.body);
        assert_eq!(reply.header("content-type"), "application/grpc-web+proto");
    }
}

#[tokio::test]
async fn the_path_of_an_rpc_accepts_only_grpc_calls() {
    let stack = start();
    let path = "/reticle.images.v1.ImagesService/GetImage";
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let reply = request(&format!("{method} {path}")).send(&stack).await;
        assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, "POST"), "{method}");
    }
    assert_eq!(request(&format!("OPTIONS {path}")).send(&stack).await.status, 204);
    for media_type in ["application/json", "text/plain"] {
        let post = request(&format!("POST {path}")).header("content-type", media_type);
        let (status, _, message) = post.body("{}").send(&stack).await.error();
        assert_eq!(status, 415, "{media_type}");
        assert!(message.contains("application/grpc-web+proto"), "{message}");
    }
    let json = request(&format!("POST {path}")).header("content-type", "application/grpc+json");
    assert_eq!(json.body("{}").send(&stack).await.status, 415);
    assert_eq!(request("GET /reticle.images.v1.ImagesService/Nothing").send(&stack).await.status, 404);
    assert_eq!(stack.service.seen().calls, 0);
}

#[tokio::test]
async fn a_timeout_of_a_nanosecond_is_exceeded_in_every_protocol() {
    let stack = start();
    let mut call = with_token(get("abc"));
    call.metadata_mut().insert("grpc-timeout", "1n".parse().unwrap());
    let error = ImagesServiceClient::new(stack.gateway.clone()).get_image(call).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    let reply = request("GET /api/images/abc").header("grpc-timeout", "1n").send(&stack).await;
    assert_eq!(reply.error().0, 504);
    let web = request("POST /reticle.images.v1.ImagesService/GetImage").header("grpc-timeout", "1n");
    let reply = web.header("content-type", "application/grpc-web").body(vec![0; 5]).send(&stack).await;
    assert!(String::from_utf8_lossy(&reply.body).contains("grpc-status:4\r\n"), "{reply:?}");
    assert_eq!(stack.service.seen().calls, 0);
}

#[tokio::test]
async fn a_grpc_web_text_call_gets_a_text_response() {
    let stack = start();
    let reply = request("POST /reticle.images.v1.ImagesService/GetImage")
        .header("content-type", "application/grpc-web-text")
        .body("AAAAAAUKA2FiYw==")
        .send(&stack)
        .await;
    assert_eq!(reply.header("content-type"), "application/grpc-web-text+proto");
    assert!(reply.body.iter().all(u8::is_ascii));
    assert_eq!(stack.service.seen().calls, 1);
}

#[tokio::test]
async fn request_metadata_is_filtered() {
    let stack = start();
    let mut call = with_token(get("abc"));
    call.metadata_mut().insert("x-internal", "forged".parse().unwrap());
    call.metadata_mut().insert("x-reticle-bookmark", "before".parse().unwrap());
    call.metadata_mut().insert("grpc-timeout", "5S".parse().unwrap());
    ImagesServiceClient::new(stack.gateway.clone()).get_image(call).await.unwrap();
    let seen = stack.service.seen().metadata.clone();
    assert!(seen.get("x-internal").is_none());
    assert_eq!(seen.get("x-reticle-bookmark").unwrap(), "before");
    assert_eq!(seen.get("grpc-timeout").unwrap(), "5000m");
    assert_eq!(
        seen.get("x-forwarded-host").map(|host| host.to_str().unwrap()),
        None,
        "the client named no host"
    );
    assert!(seen.get("x-request-id").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline() {
    let stack = start();
    let mut client = ImagesServiceClient::new(stack.gateway.clone());
    let error = client.get_image(with_token(get("slow"))).await.unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);

    let download = |timeout: Option<&str>| {
        let mut call =
            with_token(DownloadImageRequest { image_id: "stalls".to_owned(), ..Default::default() });
        call.metadata_mut().extend_timeout(timeout);
        call
    };
    let mut stream = client.download_image(download(Some("2S"))).await.unwrap().into_inner();
    let before = tokio::time::Instant::now();
    let ended = tokio::time::timeout(Duration::from_hours(24), async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("a stream cut by its deadline must not end with OK"),
                Err(error) => break error,
            }
        }
    });
    let error = ended.await.expect("the stream ends");
    assert_eq!((error.code(), before.elapsed().as_secs()), (Code::DeadlineExceeded, 2));

    // A stream has no time limit if its caller sets none.
    let mut stream = client.download_image(download(None)).await.unwrap().into_inner();
    let ended = tokio::time::timeout(Duration::from_hours(24), async {
        while let Ok(Some(_)) = stream.message().await {}
    });
    assert!(ended.await.is_err());
}

trait ExtendTimeout {
    fn extend_timeout(&mut self, timeout: Option<&str>);
}

impl ExtendTimeout for tonic::metadata::MetadataMap {
    fn extend_timeout(&mut self, timeout: Option<&str>) {
        if let Some(timeout) = timeout {
            self.insert("grpc-timeout", timeout.parse().unwrap());
        }
    }
}

#[tokio::test]
async fn a_host_may_add_services_that_the_contract_does_not_have() {
    let echo = tower::service_fn(|request: http::Request<tonic::body::Body>| async move {
        let mut response = http::Response::new(request.into_body());
        response.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
        Ok::<_, std::convert::Infallible>(response)
    });
    let service = crate::service::Scripted::default();
    let upstreams = gateway_core::Upstreams::new()
        .with(crate::stack::IMAGES, echo)
        .with(crate::stack::ANNOTATIONS, echo)
        .with("grpc.health.v1.Health", echo);
    let stack = Stack { gateway: gateway(config(), upstreams).unwrap(), service };
    let call = anonymous("POST /grpc.health.v1.Health/Check").header("content-type", "application/grpc");
    let reply = call.body(Bytes::from_static(&[0; 5])).send(&stack).await;
    assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, &[0; 5][..]), "without a token");
    let bad = anonymous("POST /grpc.health.v1.Health/Check")
        .header("content-type", "application/grpc")
        .header("authorization", "Bearer nonsense");
    assert_eq!(bad.send(&stack).await.header("grpc-status"), "16");
}
