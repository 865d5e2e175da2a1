//! What a bulk body costs the gateway, against what storing it costs the service: seconds of CPU of two processes.

use std::time::Duration;

use anyhow::ensure;
use tests::Parts;

use crate::{
    bulk::boxes,
    cpu, load,
    table::{Goal, Row},
};

pub(crate) const NAME: &str = "transcoding";
const LENGTH: Duration = Duration::from_secs(5);

/// CPU of the gateway process over CPU of the annotations process, over the same calls.
pub(crate) async fn measure() -> anyhow::Result<[Row; 1]> {
    let parts = Parts::start(&[]).await?;
    let user = parts.target().new_user();
    let body = boxes(&user.new_image().await?);
    let create = |_| async {
        let answer = user.post("/api/annotations/bulk", &body).await?;
        ensure!(answer.status == 201, "{answer:?}");
        Ok(())
    };
    create(0).await?;
    let (gateway, annotations) = (parts.gateway.id()?, parts.annotations.id()?);
    let before = (cpu::seconds(gateway)?, cpu::seconds(annotations)?);
    let calls = load::calls_a_second(2, LENGTH, create).await? * LENGTH.as_secs_f64();
    let (transcode, store) = (cpu::seconds(gateway)? - before.0, cpu::seconds(annotations)? - before.1);
    let millis = |seconds: f64| seconds * 1000.0 / calls;
    let detail = format!("{:.2} of {:.2} ms CPU a call of 500 boxes", millis(transcode), millis(store));
    Ok([Row {
        name: "transcoding a bulk body : storing it",
        figure: transcode / store,
        goal: Goal::AtMost(1.0),
        detail,
    }])
}
