//! Compares reading an image over gRPC with an empty echo service, and reading through the gateway with reading over gRPC.

use std::{net::SocketAddr, time::Duration};

use hyper::StatusCode;
use tests::Program;

use crate::{
    connection::{Http1, Http2, Prepared, get, grpc},
    echo::Echo,
    load::{self, median, median_ratio},
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "get image";
const PATH: &str = "/reticle.images.v1.ImagesService/GetImage";
const CALLERS: usize = 16;
const LENGTH: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;

/// Measures the three in turn, in calls per second. The figures are the median ratios. Each has one HTTP/2 connection with
/// the same number of callers.
pub(crate) async fn measure() -> anyhow::Result<[Row; 2]> {
    let (program, echo) = (Program::start(&[]).await?, Echo::start()?);
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let target = program.target();

    let over_grpc = |address| grpc(&user, address, PATH, &get_image_request(&image_id));
    let request = get(&user, &format!("/api/images/{image_id}"))?;
    let to_echo = Load::new(echo.address, over_grpc(echo.address)?).await?;
    let to_service = Load::new(target.images, over_grpc(target.images)?).await?;
    let to_gateway = Load::new(target.gateway, request.clone()).await?;

    let (mut empty, mut service, mut gateway, mut http1_calls) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        empty.push(to_echo.calls_per_second().await?);
        service.push(to_service.calls_per_second().await?);
        gateway.push(to_gateway.calls_per_second().await?);
        let http1 = Http1::connect(target.gateway, CALLERS).await?;
        http1_calls.push(
            load::calls_per_second(CALLERS, LENGTH, |n| http1[n].call(&request, StatusCode::OK)).await?,
        );
    }
    let row = |name, figure, goal, detail| Row { name, figure, goal: Goal::AtLeast(goal), detail };
    Ok([
        row(
            "get image over gRPC : empty tonic echo",
            median_ratio(&service, &empty),
            0.5,
            format!(
                "{:.0} of {:.0} calls/s, {CALLERS} callers, 1 connection",
                median(&service),
                median(&empty)
            ),
        ),
        row(
            "get image over HTTP/JSON : over gRPC",
            median_ratio(&gateway, &service),
            0.6,
            format!(
                "{:.0} of {:.0} calls/s, {CALLERS} callers, 1 connection; {:.0} over {CALLERS} HTTP/1.1 connections",
                median(&gateway),
                median(&service),
                median(&http1_calls)
            ),
        ),
    ])
}

/// An encoded `GetImageRequest`: field 1, its length, and the id.
fn get_image_request(image_id: &str) -> Vec<u8> {
    let length = u8::try_from(image_id.len()).unwrap_or_default();
    [&[0x0a, length], image_id.as_bytes()].concat()
}

/// One request that all callers repeat.
struct Load {
    connection: Http2,
    request: Prepared,
}

impl Load {
    async fn new(address: SocketAddr, request: Prepared) -> anyhow::Result<Self> {
        Ok(Self { connection: Http2::connect(address).await?, request })
    }

    async fn calls_per_second(&self) -> anyhow::Result<f64> {
        load::calls_per_second(CALLERS, LENGTH, |_| self.connection.call(&self.request, StatusCode::OK)).await
    }
}
