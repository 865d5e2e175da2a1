//! Compares uploads through the program to a bucket with the SDK's own put, and measures the memory of concurrent uploads.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use aws_sdk_s3::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, RequestChecksumCalculation},
    primitives::ByteStream,
};
use futures_util::future::try_join_all;
use hyper::{StatusCode, body::Bytes};
use storage_native::s3::PART_BYTES;
use tempfile::TempDir;
use tests::{ImageFile, Program, S3_CREDENTIALS, SeaweedFs, program};
use tokio::process::Command;

use crate::{
    connection::{Http1, Prepared, post},
    load::{self, median, median_ratio},
    proc,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "bucket: upload, memory";
const SIZE: usize = 10 * 1024 * 1024;
const CONCURRENT_UPLOADS: usize = 32;
const LENGTH: Duration = Duration::from_secs(4);
const ROUNDS: usize = 5;

/// Measures both in turn, in MB per second; the figure is the median ratio. Then measures the memory of an upload, in parts.
pub(crate) async fn measure() -> anyhow::Result<[Row; 2]> {
    let (bucket, folder) = (SeaweedFs::start().await?, Arc::new(TempDir::new()?));
    let objects_url = bucket.new_bucket("bench").await?;
    let mut command = Command::new(program());
    command
        .args(Program::arguments(folder.path()))
        .args(["--objects-url", &objects_url])
        .envs(S3_CREDENTIALS);
    let program = Program::start_by(command, folder).await?;
    let user = program.target().new_user();
    let file = ImageFile::of_size(SIZE);
    let bytes = Bytes::from(file.bytes);
    let path = "/api/images/upload?filename=large.png";
    let upload = post(&user, path, file.content_type, bytes.clone())?;
    let client = client(&bucket);
    let connection = Http1::connect(program.target().gateway, 1).await?;
    let (mut reticle, mut direct) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let through = |_| connection[0].call(&upload, StatusCode::CREATED);
        reticle.push(load::calls_per_second(1, LENGTH, through).await? * megabytes());
        let put = |_| put(&client, bytes.clone());
        direct.push(load::calls_per_second(1, LENGTH, put).await? * megabytes());
    }
    let detail =
        format!("{:.0} of {:.0} MB/s, sequential uploads of 10 MiB", median(&reticle), median(&direct));
    let figure = median_ratio(&reticle, &direct);
    let name = "bucket: upload of 10 MiB : the SDK's own put";
    let upload_row = Row { name, figure, goal: Goal::AtLeast(0.6), detail };
    Ok([upload_row, memory(&program, &upload).await?])
}

/// The growth of the resident memory for each of many concurrent uploads, in parts of [`PART_BYTES`].
async fn memory(program: &Program, upload: &Prepared) -> anyhow::Result<Row> {
    let id = program.id()?;
    let connections = Http1::connect(program.target().gateway, CONCURRENT_UPLOADS).await?;
    let before = proc::resident_mib(id)?;
    proc::reset_peak(id)?;
    try_join_all(connections.iter().map(|connection| connection.call(upload, StatusCode::CREATED))).await?;
    let grown = proc::peak_mib(id)? - before;
    ensure!(grown >= 0.0, "the resident memory decreased");
    let part = PART_BYTES as f64 / 1024.0 / 1024.0;
    let detail = format!(
        "{grown:.0} MiB more than {before:.0} MiB, {CONCURRENT_UPLOADS} concurrent uploads of 10 MiB, parts of {part} MiB"
    );
    let figure = grown / part / CONCURRENT_UPLOADS as f64;
    Ok(Row { name: "bucket: memory of an upload, in parts", figure, goal: Goal::AtMost(5.0), detail })
}

fn megabytes() -> f64 {
    SIZE as f64 / 1e6
}

async fn put(client: &Client, bytes: Bytes) -> anyhow::Result<()> {
    let put = client.put_object().bucket("bench").key("direct").content_type("image/png");
    put.body(ByteStream::from(bytes)).send().await?;
    Ok(())
}

/// The SDK with the program's settings.
fn client(bucket: &SeaweedFs) -> Client {
    let [(_, id), (_, secret)] = S3_CREDENTIALS;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("auto"))
        .endpoint_url(bucket.endpoint())
        .credentials_provider(Credentials::new(id, secret, None, None, "bench"))
        .force_path_style(true)
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .build();
    Client::from_conf(config)
}
