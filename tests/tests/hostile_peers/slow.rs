//! Peers that send a body drop by drop.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::future::{join_all, try_join_all};
use serde_json::json;
use tests::{Picture, Program, User};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{PATIENCE, cost};

/// The size of the upload that drips.
const SIZE: usize = 500_000;

/// The path of the request that a new upload is.
async fn upload(user: &User) -> anyhow::Result<String> {
    let declared = json!({"filename": "a.png", "content_type": "image/png", "size_bytes": SIZE});
    let created = user.post("/api/images/uploads", &declared).await?;
    let url = created.text("/upload/url");
    Ok(url.split_once("/api/").context("no path")?.1.to_owned())
}

/// Begins to send the bytes.
async fn begin(program: &Program, path: &str) -> anyhow::Result<TcpStream> {
    let mut peer = TcpStream::connect(program.target().gateway).await?;
    let head = format!(
        "PUT /api/{path} HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: {SIZE}\r\n\r\n"
    );
    peer.write_all(head.as_bytes()).await?;
    peer.write_all(&Picture::png(8, 8).bytes).await?;
    Ok(peer)
}

/// Sends a byte again and again until a response comes, and answers it.
async fn drip(mut peer: TcpStream) -> anyhow::Result<String> {
    let (mut reads, mut writes) = peer.split();
    let drops = async {
        while writes.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut response = vec![0; 4096];
    let length = tokio::select! {
        length = reads.read(&mut response) => length?,
        () = drops => 0,
    };
    Ok(String::from_utf8_lossy(response.get(..length).unwrap_or_default()).into_owned())
}

/// Given hundreds of uploads to one signed URL that send drop by drop, then no more than one URL may have are taken in,
/// others upload all the while, and after the progress interval nothing is held.
#[tokio::test(flavor = "multi_thread")]
async fn uploads_that_drip_are_few_and_end() -> anyhow::Result<()> {
    const PER_URL: usize = 20;
    let limit = PER_URL.to_string();
    let program =
        Program::start(&["--progress-interval", "3s", "--max-transfers-per-caller", &limit]).await?;
    let user = program.target().new_user();
    let path = upload(&user).await?;
    let before = cost::descriptors(&program)?;
    let peers = try_join_all((0..4 * PER_URL).map(|_| begin(&program, &path))).await?;
    let responses = tokio::spawn(timeout(PATIENCE, join_all(peers.into_iter().map(drip))));
    ensure!(program.target().new_user().new_image().await.is_ok());
    let open = cost::descriptors(&program)?;
    ensure!(open <= before + 5 * PER_URL + 16, "{open} descriptors, {before} before");
    let (mut late, mut refused) = (0, 0);
    for response in responses.await?? {
        match response? {
            response if response.starts_with("HTTP/1.1 408") => late += 1,
            response if response.starts_with("HTTP/1.1 429") && response.contains("retry-after:") => {
                refused += 1;
            }
            other => anyhow::bail!("{other}"),
        }
    }
    ensure!((late, refused) == (PER_URL, 3 * PER_URL), "{late} were late, {refused} were too many");
    ensure!(cost::descriptors(&program)? < open, "descriptors are held");
    // The URL is free again.
    ensure!(drip(begin(&program, &path).await?).await?.starts_with("HTTP/1.1 408"));
    Ok(())
}
