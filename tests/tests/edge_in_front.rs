//! The gateway as a Worker in front of native services, which it reaches by URL.

use std::process::ExitCode;

use serde_json::json;
use tests::{ALLOWED_ORIGIN, Deployment, Parts, Protocol, Running, Target, Worker, run_cases};

/// The gateway Worker, and the native processes behind it.
struct InFront {
    target: Target,
    _gateway: Running,
    _services: Parts,
}

impl AsRef<Target> for InFront {
    fn as_ref(&self) -> &Target {
        &self.target
    }
}

async fn start() -> anyhow::Result<InFront> {
    let services = Parts::start(&[]).await?;
    let native = services.target();
    let gateway = Deployment::new(&[Worker::Gateway])?
        .with(Worker::Gateway, "services", &json!([]))
        .with_variable("IMAGES_URL", &format!("http://{}", native.images))
        .with_variable("ANNOTATIONS_URL", &format!("http://{}", native.annotations))
        .with_variable("RETICLE_ALLOWED_ORIGINS", ALLOWED_ORIGIN)
        .start()
        .await?;
    Ok(InFront { target: gateway.target()?, _gateway: gateway, _services: services })
}

fn main() -> anyhow::Result<ExitCode> {
    run_cases(Protocol::GrpcWeb, start)
}
