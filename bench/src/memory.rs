//! Measures how much memory many concurrent large uploads and downloads use.

use anyhow::ensure;
use futures_util::future::try_join_all;
use hyper::{StatusCode, body::Bytes};
use tests::{ImageFile, Program, User};

use crate::{
    connection::{Http1, Prepared, get, post},
    proc,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "memory";
const CONCURRENT_CALLS: usize = 64;
const SIZE: usize = 10 * 1024 * 1024;

/// The peak growth of the resident memory in MiB, compared with the memory after one upload and one download.
pub(crate) async fn measure() -> anyhow::Result<[Row; 2]> {
    let program = Program::start(&[]).await?;
    let id = program.id()?;
    let user = program.target().new_user();
    let file = ImageFile::of_size(SIZE);
    let response = user.upload(&file, "large.png").await?;
    ensure!(response.status == 201, "{response:?}");
    let content = get(&user, &format!("/api/images/{}/content", response.text("/image/id")))?;
    let upload = upload(&user, file)?;
    let connect = || Http1::connect(program.target().gateway, CONCURRENT_CALLS);

    let first = connect().await?;
    ensure!(
        first[0].call(&content, StatusCode::OK).await? == SIZE,
        "the download has another size than the upload"
    );
    drop(first);
    let before = proc::resident_mib(id)?;
    let uploads = peak(id, &connect().await?, &upload, StatusCode::CREATED).await? - before;
    let downloads = peak(id, &connect().await?, &content, StatusCode::OK).await? - before;
    let row = |name, figure, what| {
        let detail = format!(
            "{CONCURRENT_CALLS} concurrent {what} of {} MiB over HTTP/1.1, from {before:.0} MiB resident after one",
            SIZE / 1024 / 1024
        );
        Row { name, figure, goal: Goal::AtMost(64.0), detail }
    };
    Ok([
        row("memory growth of uploads, MiB", uploads, "uploads"),
        row("memory growth of downloads, MiB", downloads, "downloads"),
    ])
}

/// The peak MiB that are resident while all connections make the same call concurrently.
async fn peak(id: u32, connections: &[Http1], request: &Prepared, status: StatusCode) -> anyhow::Result<f64> {
    proc::reset_peak(id)?;
    try_join_all(connections.iter().map(|connection| connection.call(request, status))).await?;
    proc::peak_mib(id)
}

/// An upload of the image in a form.
fn upload(user: &User, file: ImageFile) -> anyhow::Result<Prepared> {
    const BOUNDARY: &str = "a-boundary-that-no-image-has";
    let head = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"image\"; filename=\"large.png\"\r\n\
         content-type: {}\r\n\r\n",
        file.content_type
    );
    let body = [head.into_bytes(), file.bytes, format!("\r\n--{BOUNDARY}--\r\n").into_bytes()].concat();
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    post(user, "/api/images/upload", &content_type, Bytes::from(body))
}
