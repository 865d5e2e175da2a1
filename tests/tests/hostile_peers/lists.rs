//! Small messages that would be large in memory.

use anyhow::ensure;
use bytes::Bytes;
use tests::Program;
use tokio::time::timeout;

use super::{MAX_WAIT, cost, http2};

/// A message with a list of as many empty elements as fit: field 1, no bytes.
fn empties() -> Bytes {
    let message = b"\x0a\x00".repeat(2 * 1024 * 1024 - 16);
    let length = u32::try_from(message.len()).unwrap_or_default().to_be_bytes();
    [&[0][..], &length, &message].concat().into()
}

/// Sends a message as the body of a call, and returns the call's status.
async fn call(
    address: std::net::SocketAddr,
    method: &str,
    token: Option<&str>,
    message: Bytes,
) -> anyhow::Result<String> {
    let mut client = http2::connect(address, 65_535).await?;
    let (response, mut body) = client.call(&format!("http://{address}/{method}"), token).await?;
    let send = async {
        let mut left = message;
        while !left.is_empty() {
            body.reserve_capacity(left.len());
            let Some(Ok(room)) = std::future::poll_fn(|cx| body.poll_capacity(cx)).await else { return };
            let data = left.split_to(room.min(left.len()));
            if body.send_data(data, left.is_empty()).is_err() {
                return;
            }
        }
    };
    let (status, ()) = tokio::join!(async { http2::grpc_status(response.await?).await }, send);
    status
}

/// Given messages of 4 MiB whose lists have two million empty elements, when they are sent to any port, then the process uses
/// little more memory than the messages themselves.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_of_empty_messages_is_rejected_before_decoding() -> anyhow::Result<()> {
    const CALLS: usize = 4;
    let program = Program::start(&[]).await?;
    let user = program.target().new_user();
    let target = program.target();
    // Warms up, so that the measurement has only the messages.
    user.new_image().await?;
    let bulk = "reticle.annotations.v1.AnnotationsService/BulkCreateAnnotations";
    let batch = "reticle.images.v1.ImagesService/BatchGetImages";
    let token = Some(user.token.as_str());
    for (address, method, token, expected) in [
        (target.annotations, bulk, None, "16"),
        (target.annotations, bulk, token, "3"),
        (target.gateway, bulk, token, "3"),
        (target.images, batch, None, "16"),
        (target.images, batch, token, "3"),
    ] {
        cost::reset_peak(&program)?;
        let before = cost::peak_kib(&program)?;
        let calls = (0..CALLS).map(|_| call(address, method, token, empties()));
        let statuses = timeout(MAX_WAIT, futures_util::future::try_join_all(calls)).await??;
        ensure!(statuses.iter().all(|status| status == expected), "{method}: {statuses:?}");
        let grown = cost::peak_kib(&program)?.saturating_sub(before);
        ensure!(grown < 64 * 1024, "{method} took {grown} KiB for {CALLS} messages of 4 MiB");
    }
    Ok(())
}
