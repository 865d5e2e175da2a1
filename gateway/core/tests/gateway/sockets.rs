//! What a client sees on the wire, where the HTTP server's habits matter too.

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::stack::{Stack, start, token};

/// Serves one connection, and returns the client's end of it.
async fn connect(stack: &Stack) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let service = TowerToHyperService::new(stack.gateway.clone());
    tokio::task::spawn(async move {
        let _ =
            auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(server), service).await;
    });
    client
}

/// Sends a head and a body like a client that reads nothing before it has written everything.
async fn write_then_read(stack: &Stack, head: &str, body: &[u8]) -> String {
    let mut client = connect(stack).await;
    let head = format!("{head}\r\nhost: a\r\nauthorization: Bearer {}\r\n\r\n", token());
    client.write_all(head.as_bytes()).await.unwrap();
    for chunk in body.chunks(64 * 1024) {
        client.write_all(chunk).await.expect("the server still takes the body");
    }
    let mut answer = vec![0; 64 * 1024];
    let length = client.read(&mut answer).await.expect("the answer is not lost");
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test]
async fn a_client_that_writes_everything_first_still_reads_why_it_was_refused() {
    let stack = start();
    let size = 8 * 1024 * 1024;
    let body = vec![0; size];
    for (path, media_type, status) in [
        ("/api/images/upload?filename=refused", "image/png", "415"),
        ("/api/images/upload", "text/plain", "415"),
        ("/api/annotations/bulk", "application/json", "413"),
        ("/nothing", "application/json", "404"),
    ] {
        let head = format!("POST {path} HTTP/1.1\r\ncontent-type: {media_type}\r\ncontent-length: {size}");
        let answer = write_then_read(&stack, &head, &body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
    }
}
