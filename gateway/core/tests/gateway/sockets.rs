//! What a client sees on a real connection, where the behavior of the HTTP server matters, too.

use gateway_core::Config;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::stack::{Stack, config, start, start_with, token};

/// Both ends of a connection that the gateway serves.
async fn connect(stack: &Stack) -> (TcpStream, impl Future<Output = ()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let service = TowerToHyperService::new(stack.gateway.clone());
    let served = async move {
        // The client checks how the connection ends.
        drop(auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(server), service).await);
    };
    (client, served)
}

fn head(method_and_path: &str, media_type: &str, size: usize) -> String {
    format!(
        "{method_and_path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\
         content-type: {media_type}\r\ncontent-length: {size}\r\n\r\n",
        token()
    )
}

/// Sends a request like a client that writes everything before it reads.
async fn write_then_read(stack: &Stack, head: &str, body: &[u8]) -> String {
    let (mut client, served) = connect(stack).await;
    let exchange = async {
        client.write_all(head.as_bytes()).await.unwrap();
        client.write_all(body).await.expect("the server still reads the body");
        let mut reply = vec![0; 64 * 1024];
        let length = client.read(&mut reply).await.expect("the response is not lost");
        String::from_utf8_lossy(&reply[..length]).into_owned()
    };
    tokio::select! {
        reply = exchange => reply,
        () = served => panic!("the server closed the connection"),
    }
}

#[tokio::test]
async fn a_client_that_writes_everything_first_still_reads_the_error() {
    let stack = start_with(Config { max_body_bytes: 4 * 1024 * 1024, ..config() });
    let size = 8 * 1024 * 1024;
    let body = vec![0; size];
    for (path, media_type, status) in [
        ("/api/images/upload?filename=rejected", "image/png", "415"),
        ("/api/images/upload", "text/plain", "415"),
        ("/api/annotations/bulk", "application/json", "413"),
        ("/nothing", "application/json", "404"),
        ("/no.such.Service/Method", "application/grpc-web+proto", "200"),
    ] {
        let head = head(&format!("POST {path}"), media_type, size);
        let reply = write_then_read(&stack, &head, &body).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {reply}");
    }
}

#[tokio::test]
async fn a_client_that_disconnects_leaves_no_complete_file() {
    let stack = start();
    let (mut client, served) = connect(&stack).await;
    let half = async move {
        client.write_all(head("POST /api/images/upload", "image/png", 1000).as_bytes()).await.unwrap();
        client.write_all(&[0; 500]).await.unwrap();
    };
    tokio::join!(half, served);
    let seen = stack.service.seen();
    assert_eq!(seen.calls, 1, "the service was called");
    assert!(!seen.upload.as_ref().unwrap().is_complete);
}
