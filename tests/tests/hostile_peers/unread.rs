//! Peers that request a file and do not read it.

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;
use tests::{ImageFile, Parts, Program, User};
use tokio::{io::AsyncWriteExt as _, net::TcpStream, time::timeout};

use super::{MAX_WAIT, cost, http2};

/// More than fits into a connection's buffers.
const LARGE: usize = 8_000_000;

/// Uploads a large image, and returns a signed URL of it.
async fn signed_url(user: &User) -> anyhow::Result<String> {
    let image = user.upload(&ImageFile::of_size(LARGE), "large.png").await?;
    let id = image.text("/image/id");
    let signed = user.get(&format!("/api/images/{id}/signed-url")).await?;
    Ok(signed.text("/url").to_owned())
}

/// Waits until at most `most` descriptors are open.
async fn wait_for_descriptors(most: usize, program: &Program) -> anyhow::Result<()> {
    let fall = async {
        while cost::descriptors(program)? > most {
            ensure!(reqwest::get(program.target().url("/livez")).await?.status() == 200);
        }
        Ok(())
    };
    timeout(MAX_WAIT, fall).await.context("descriptors were not released")?
}

/// Given HTTP/2 connections that request a signed URL many times without any window, then they hold no more files than the
/// limit for one URL, other users can download, and after the progress interval all descriptors are released.
#[tokio::test(flavor = "multi_thread")]
async fn downloads_without_a_window_are_limited_and_time_out() -> anyhow::Result<()> {
    const PER_URL: usize = 40;
    let limit = PER_URL.to_string();
    let program =
        Program::start(&["--progress-interval", "3s", "--max-transfers-per-caller", &limit]).await?;
    let user = program.target().new_user();
    let url = signed_url(&user).await?;
    let before = cost::descriptors(&program)?;
    cost::reset_peak(&program)?;
    let resident = cost::peak_kib(&program)?;

    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(http2::connect(program.target().gateway, 0).await?);
    }
    let mut begun = Vec::new();
    for client in &mut clients {
        for _ in 0..60 {
            begun.push(client.send(http::Request::get(&url).body(())?, true).await?.0);
        }
    }
    let responses = timeout(MAX_WAIT, try_join_all(begun)).await??;
    let (held, rejected): (Vec<_>, Vec<_>) =
        responses.into_iter().partition(|response| response.status() == 200);
    ensure!(held.len() == PER_URL, "{} downloads are open", held.len());
    for response in &rejected {
        let retry_after = response.headers().get("retry-after");
        ensure!(response.status() == 429 && retry_after.is_some(), "{response:?}");
    }
    let open = cost::descriptors(&program)?;
    ensure!(open <= before + PER_URL + clients.len() + 16, "{open} descriptors, {before} before");

    // Another user with another URL can download.
    let other = program.target().new_user();
    let image = other.upload(&ImageFile::of_size(100_000), "other.png").await?;
    let content = other.get(&format!("/api/images/{}/content", image.text("/image/id"))).await?;
    ensure!(content.body.len() == 100_000, "{content:?}");

    for response in held {
        let ended = timeout(MAX_WAIT, http2::drain_without_window(response.into_body())).await?;
        ensure!(ended.is_err_and(|error| error.is_reset()), "an unread download did not time out");
    }
    drop(clients);
    wait_for_descriptors(before + 16, &program).await?;
    let peak = cost::peak_kib(&program)?;
    ensure!(peak < resident + 128 * 1024, "{peak} KiB, {resident} KiB before");
    let again = reqwest::get(&url).await?;
    ensure!(again.status() == 200 && again.bytes().await?.len() == LARGE);
    Ok(())
}

/// Given a gateway whose clients do not read their responses, then these responses do not block responses for other clients
/// on the same connection to the services.
#[tokio::test(flavor = "multi_thread")]
async fn unread_downloads_do_not_block_others_behind_a_gateway() -> anyhow::Result<()> {
    let parts = Parts::start_with(&[("RETICLE_PROGRESS_INTERVAL", "5m")], &[]).await?;
    let user = parts.target().new_user();
    let url = signed_url(&user).await?;
    let mut client = http2::connect(parts.target().gateway, 0).await?;
    let mut begun = Vec::new();
    for _ in 0..100 {
        begun.push(client.send(http::Request::get(&url).body(())?, true).await?.0);
    }
    let held = timeout(MAX_WAIT, try_join_all(begun)).await??;
    ensure!(held.iter().all(|response| response.status() == 200));
    let content = timeout(MAX_WAIT, async { reqwest::get(&url).await?.bytes().await }).await;
    ensure!(content.context("the unread downloads block it")??.len() == LARGE);
    Ok(())
}

/// Given HTTP/1.1 connections that request a file and do not read it, when the progress interval is over, then the
/// connections and the files are closed.
#[tokio::test(flavor = "multi_thread")]
async fn unread_http1_downloads_time_out() -> anyhow::Result<()> {
    let program = Program::start(&["--progress-interval", "2s"]).await?;
    let user = program.target().new_user();
    let url = signed_url(&user).await?;
    let path = url.split_once("/api/").context("no path")?.1;
    let before = cost::descriptors(&program)?;
    let mut peers = Vec::new();
    for _ in 0..40 {
        let mut peer = TcpStream::connect(program.target().gateway).await?;
        peer.write_all(format!("GET /api/{path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await?;
        peers.push(peer);
    }
    let begun = async {
        while cost::descriptors(&program)? < before + 2 * peers.len() {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    timeout(MAX_WAIT, begun).await.context("the downloads did not begin")??;
    wait_for_descriptors(before + 16, &program).await?;
    drop(peers);
    Ok(())
}

/// Given a slow reader that reads enough in each interval, then it receives the whole file.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_gets_everything() -> anyhow::Result<()> {
    let program = Program::start(&["--progress-interval", "1s", "--progress-bytes", "1000"]).await?;
    let user = program.target().new_user();
    let image = user.upload(&ImageFile::of_size(400_000), "a.png").await?;
    let signed = user.get(&format!("/api/images/{}/signed-url", image.text("/image/id"))).await?;
    let mut client = http2::connect(program.target().gateway, 16_384).await?;
    let mut body = client.get(signed.text("/url")).await?.into_body();
    let mut length = 0;
    while let Some(data) = body.data().await {
        let bytes = data?.len();
        length += bytes;
        tokio::time::sleep(std::time::Duration::from_millis(150)).await;
        body.flow_control().release_capacity(bytes)?;
    }
    ensure!(length == 400_000, "{length}");
    Ok(())
}
