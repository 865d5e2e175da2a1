//! Peers that send a body very slowly.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::future::{join_all, try_join_all};
use serde_json::json;
use tests::{ImageFile, Program, User};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{MAX_WAIT, cost};

/// The size of the slow upload.
const SIZE: usize = 500_000;

/// Creates an upload, and returns the path of its request.
async fn create_upload(user: &User) -> anyhow::Result<String> {
    let declared = json!({"filename": "a.png", "content_type": "image/png", "size_bytes": SIZE});
    let created = user.post("/api/images/uploads", &declared).await?;
    let url = created.text("/upload/url");
    Ok(url.split_once("/api/").context("no path")?.1.to_owned())
}

/// Sends the head and the first bytes.
async fn begin(program: &Program, path: &str) -> anyhow::Result<TcpStream> {
    let mut peer = TcpStream::connect(program.target().gateway).await?;
    let head = format!(
        "PUT /api/{path} HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: {SIZE}\r\n\r\n"
    );
    peer.write_all(head.as_bytes()).await?;
    peer.write_all(&ImageFile::png(8, 8).bytes).await?;
    Ok(peer)
}

/// Sends one byte every 100 ms until there is a response, and returns it.
async fn send_slowly(mut peer: TcpStream) -> anyhow::Result<String> {
    let (mut reads, mut writes) = peer.split();
    let sending = async {
        while writes.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut response = vec![0; 4096];
    let length = tokio::select! {
        length = reads.read(&mut response) => length?,
        () = sending => 0,
    };
    Ok(String::from_utf8_lossy(response.get(..length).unwrap_or_default()).into_owned())
}

/// Given slow uploads to one signed URL, then no more than the limit for one URL are accepted, other users can upload at the
/// same time, and after the progress interval their descriptors are released.
#[tokio::test(flavor = "multi_thread")]
async fn slow_uploads_are_limited_and_time_out() -> anyhow::Result<()> {
    const PER_URL: usize = 20;
    let limit = PER_URL.to_string();
    let program =
        Program::start(&["--progress-interval", "3s", "--max-transfers-per-caller", &limit]).await?;
    let user = program.target().new_user();
    let path = create_upload(&user).await?;
    let before = cost::descriptors(&program)?;
    let peers = try_join_all((0..4 * PER_URL).map(|_| begin(&program, &path))).await?;
    let responses = tokio::spawn(timeout(MAX_WAIT, join_all(peers.into_iter().map(send_slowly))));
    ensure!(program.target().new_user().new_image().await.is_ok());
    let open = cost::descriptors(&program)?;
    ensure!(open <= before + 5 * PER_URL + 16, "{open} descriptors, {before} before");
    let (mut late, mut rejected) = (0, 0);
    for response in responses.await?? {
        match response? {
            response if response.starts_with("HTTP/1.1 408") => late += 1,
            response if response.starts_with("HTTP/1.1 429") && response.contains("retry-after:") => {
                rejected += 1;
            }
            other => anyhow::bail!("{other}"),
        }
    }
    ensure!((late, rejected) == (PER_URL, 3 * PER_URL), "{late} timed out, {rejected} were over the limit");
    ensure!(cost::descriptors(&program)? < open, "descriptors were not released");
    // The URL accepts uploads again.
    ensure!(send_slowly(begin(&program, &path).await?).await?.starts_with("HTTP/1.1 408"));
    Ok(())
}
