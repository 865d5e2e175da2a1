//! The log: one line for each request.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use gateway_core::Relayed;
use http::{Request, Response};
use tower::BoxError;
use tracing_subscriber::fmt::MakeWriter;

use crate::stack::{anonymous, request, start, token};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn capture() -> (Self, tracing::subscriber::DefaultGuard) {
        let lines = Self::default();
        let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false).finish();
        (lines, tracing::subscriber::set_default(subscriber))
    }

    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_request_is_one_line_with_the_route_and_without_secrets() {
    let stack = start();
    let (lines, _guard) = Lines::capture();
    request("GET /api/images/secret-id?filename=secret").header("x-request-id", "r-1").send(&stack).await;
    let [line] = &lines.take()[..] else { panic!("expected one line") };
    for part in [
        "request_id=\"r-1\"",
        "GET /api/images/{image_id}",
        "caller=\"alice\"",
        "status=400",
        "duration_ms=0",
    ] {
        assert!(line.contains(part), "{part} is not in: {line}");
    }
    assert!(!line.contains("secret") && !line.contains(&token()), "{line}");
}

#[tokio::test]
async fn an_unknown_path_is_not_logged() {
    let stack = start();
    let (lines, _guard) = Lines::capture();
    anonymous("GET /wp-admin%0Aforged").send(&stack).await;
    let [line] = &lines.take()[..] else { panic!("expected one line") };
    assert!(line.contains("status=404") && !line.contains("forged"), "{line}");
}

#[tokio::test]
async fn a_failure_behind_the_gateway_is_logged_once_with_its_cause() {
    let stack = start();
    let (lines, _guard) = Lines::capture();
    request("GET /api/images/empty/content").header("x-request-id", "r-2").send(&stack).await;
    let lines = lines.take();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("ERROR") && lines[0].contains("r-2"), "{lines:?}");
    assert!(lines[0].contains("the first message of a download has no description"), "{lines:?}");
}

#[tokio::test]
async fn a_rejected_grpc_call_is_logged_with_its_grpc_status() {
    let stack = start();
    let (lines, _guard) = Lines::capture();
    let path = "/reticle.images.v1.ImagesService/GetImage";
    for media_type in ["application/grpc", "application/grpc-web+proto"] {
        anonymous(&format!("POST {path}")).header("content-type", media_type).send(&stack).await;
    }
    let web = || Request::post(path).header("content-type", "application/grpc-web+proto");
    let unreachable = async |_: String, _: Request<()>| -> Result<Response<()>, BoxError> {
        panic!("the call was forwarded")
    };
    let relayed = stack.gateway.relay(web().body(()).unwrap(), unreachable).await;
    assert!(matches!(relayed, Relayed::FromGateway(_)));
    let lines = lines.take();
    assert_eq!(lines.len(), 3, "{lines:?}");
    for line in lines {
        assert!(line.contains("grpc_status=\"16\""), "{line}");
    }
}

#[tokio::test]
async fn a_rate_limited_grpc_call_is_logged_with_its_grpc_status() {
    let stack = start();
    let (lines, _guard) = Lines::capture();
    let call = anonymous("POST /reticle.images.v1.ImagesService/GetImage");
    let call = call.header("content-type", "application/grpc-web+proto").build();
    stack.gateway.too_many_requests(call, std::time::Duration::from_secs(7)).await;
    let [line] = &lines.take()[..] else { panic!("expected one line") };
    assert!(line.contains("grpc_status=\"8\""), "{line}");
}
