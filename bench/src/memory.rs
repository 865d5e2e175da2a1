//! How much memory many large uploads and downloads at once take.

use anyhow::ensure;
use futures_util::future::try_join_all;
use hyper::{StatusCode, body::Bytes};
use tests::{Picture, Program, User};

use crate::{
    connection::{Http1, Prepared, get, post},
    proc,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "memory";
const AT_ONCE: usize = 64;
const SIZE: usize = 10 * 1024 * 1024;

/// Growth of the resident memory in MiB, at its peak, from what it is after one upload and one download.
pub(crate) async fn measure() -> anyhow::Result<[Row; 2]> {
    let program = Program::start(&[]).await?;
    let id = program.id()?;
    let user = program.target().new_user();
    let picture = Picture::of_size(SIZE);
    let answer = user.upload(&picture, "large.png").await?;
    ensure!(answer.status == 201, "{answer:?}");
    let content = get(&user, &format!("/api/images/{}/content", answer.text("/image/id")))?;
    let upload = upload(&user, picture)?;
    let connect = || Http1::connect(program.target().gateway, AT_ONCE);

    let first = connect().await?;
    ensure!(first[0].call(&content, StatusCode::OK).await? == SIZE, "the download is not the upload");
    drop(first);
    let before = proc::resident_mib(id)?;
    let uploads = peak(id, &connect().await?, &upload, StatusCode::CREATED).await? - before;
    let downloads = peak(id, &connect().await?, &content, StatusCode::OK).await? - before;
    let row = |name, figure, what| {
        let detail = format!(
            "{AT_ONCE} {what} of {} MiB at once over HTTP/1.1, from {before:.0} MiB resident after one",
            SIZE / 1024 / 1024
        );
        Row { name, figure, goal: Goal::AtMost(64.0), detail }
    };
    Ok([
        row("memory growth of uploads, MiB", uploads, "uploads"),
        row("memory growth of downloads, MiB", downloads, "downloads"),
    ])
}

/// The most MiB that are resident while all connections make the same call at once.
async fn peak(id: u32, connections: &[Http1], request: &Prepared, status: StatusCode) -> anyhow::Result<f64> {
    proc::reset_peak(id)?;
    try_join_all(connections.iter().map(|connection| connection.call(request, status))).await?;
    proc::peak_mib(id)
}

/// A form with the picture.
fn upload(user: &User, picture: Picture) -> anyhow::Result<Prepared> {
    const BOUNDARY: &str = "a-boundary-that-no-picture-has";
    let head = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"image\"; filename=\"large.png\"\r\n\
         content-type: {}\r\n\r\n",
        picture.content_type
    );
    let body = [head.into_bytes(), picture.bytes, format!("\r\n--{BOUNDARY}--\r\n").into_bytes()].concat();
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    post(user, "/api/images/upload", &content_type, Bytes::from(body))
}
