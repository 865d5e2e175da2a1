//! `GetImage` over gRPC against an empty echo, and over HTTP against gRPC.

use std::{net::SocketAddr, time::Duration};

use anyhow::ensure;
use proto::images::v1::{GetImageRequest, images_service_client::ImagesServiceClient};
use tests::{Program, User};
use tonic::{Request, metadata::MetadataValue, transport::Endpoint};

use crate::{
    echo::Echo,
    load,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "get image";
const CALLERS: usize = 16;
const LENGTH: Duration = Duration::from_secs(3);
const ROUNDS: usize = 3;

/// Calls a second of the three, in turn, and their ratios by the middle round.
pub(crate) async fn measure() -> anyhow::Result<[Row; 2]> {
    let (program, echo) = (Program::start(&[]).await?, Echo::start()?);
    let user = program.target().new_user();
    let image_id = user.new_image().await?;
    let path = format!("/api/images/{image_id}");
    let (mut empty, mut grpc, mut http) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        empty.push(over_grpc(echo.address, &user, &image_id).await?);
        grpc.push(over_grpc(program.target().images, &user, &image_id).await?);
        http.push(load::calls_a_second(CALLERS, LENGTH, |_| over_http(&user, &path)).await?);
    }
    let (empty, grpc, http) = (load::median(empty), load::median(grpc), load::median(http));
    let row = |name, figure, goal, detail| Row { name, figure, goal: Goal::AtLeast(goal), detail };
    Ok([
        row(
            "get image over gRPC : empty tonic echo",
            grpc / empty,
            0.5,
            format!("{grpc:.0} of {empty:.0} calls/s"),
        ),
        row(
            "get image over HTTP/JSON : over gRPC",
            http / grpc,
            0.6,
            format!("{http:.0} of {grpc:.0} calls/s"),
        ),
    ])
}

async fn over_grpc(address: SocketAddr, user: &User, image_id: &str) -> anyhow::Result<f64> {
    let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
    let token: MetadataValue<_> = format!("Bearer {}", user.token).parse()?;
    let (token, client) = (&token, ImagesServiceClient::new(channel));
    load::calls_a_second(CALLERS, LENGTH, move |_| {
        let mut client = client.clone();
        async move {
            let mut request = Request::new(GetImageRequest { image_id: image_id.to_owned() });
            request.metadata_mut().insert("authorization", token.clone());
            client.get_image(request).await?;
            Ok(())
        }
    })
    .await
}

async fn over_http(user: &User, path: &str) -> anyhow::Result<()> {
    let answer = user.get(path).await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(())
}
