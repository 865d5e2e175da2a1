//! A gateway that runs while the services behind it stop, restart, or disappear.

use anyhow::ensure;
use serde_json::json;
use tests::{HttpResponse, ImageFile, Parts, Proxy, Target, User};
use tokio::process::Command;

fn require_unavailable(response: &HttpResponse) -> anyhow::Result<()> {
    ensure!(response.status == 503 && response.text("/code") == "UNAVAILABLE", "{response:?}");
    ensure!(!response.header("retry-after").is_empty(), "{response:?}");
    Ok(())
}

async fn annotate(user: &User, image_id: &str) -> anyhow::Result<HttpResponse> {
    let new_annotation =
        json!({"image_id": image_id, "label": "car", "x": 0, "y": 0, "width": 1, "height": 1});
    user.post("/api/annotations", &new_annotation).await
}

/// Given an images service that was killed or stopped, when it is called, then the response is 503 with `retry-after`; when it
/// runs again, then all calls succeed.
#[tokio::test(flavor = "multi_thread")]
async fn calls_succeed_after_a_service_restarts() -> anyhow::Result<()> {
    let mut parts = Parts::start(&[]).await?;
    let user = parts.target().new_user();
    for signal in ["-KILL", "-TERM"] {
        let (known, image_id) = (user.new_image().await?, user.new_image().await?);
        // Makes the annotations service open its own connection to the images service.
        ensure!(annotate(&user, &known).await?.status == 201);
        let signaled = Command::new("kill").args([signal, &parts.images.id()?.to_string()]).status().await?;
        ensure!(signaled.success());
        parts.images.wait().await?;

        for _ in 0..3 {
            require_unavailable(&user.get(&format!("/api/images/{image_id}")).await?)?;
            require_unavailable(&user.upload(&ImageFile::png(8, 8), "a.png").await?)?;
            require_unavailable(&annotate(&user, &image_id).await?)?;
        }
        ensure!(user.get("/readyz").await?.status == 503);
        ensure!(user.get(&format!("/api/annotations/by-image/{known}")).await?.status == 200);

        parts.restart_images().await?;
        let image = user.get(&format!("/api/images/{image_id}")).await?;
        ensure!(image.status == 200, "{signal}: {image:?}");
        let created = annotate(&user, &image_id).await?;
        ensure!(created.status == 201, "{signal}: {created:?}");
        ensure!(user.get("/readyz").await?.status == 200);
    }
    Ok(())
}

/// Given a connection whose other end has disappeared without closing it, when a call waits on it, then the call fails before
/// its deadline, and the next call uses a new connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_replaced() -> anyhow::Result<()> {
    let parts = Parts::start(&[]).await?;
    let images = Proxy::start(parts.target().images).await?;
    let (images_url, annotations_url) =
        (format!("http://{}", images.address()), format!("http://{}", parts.target().annotations));
    let urls = ["--images-url", &images_url, "--annotations-url", &annotations_url];
    let gateway = [&["--listen", "127.0.0.1:0"], &urls[..]].concat();
    let gateway = parts.start_another("gateway", &gateway).await?;
    let user = Target::behind(gateway.address("gateway")?)?.new_user();
    let image = format!("/api/images/{}", user.new_image().await?);

    images.freeze();
    // At its deadline, the response would be 504.
    require_unavailable(&user.get(&image).await?)?;
    let after = user.get(&image).await?;
    ensure!(after.status == 200, "{after:?}");
    Ok(())
}
