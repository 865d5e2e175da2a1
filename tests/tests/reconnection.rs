//! A gateway that stands while the services behind it end, restart, or vanish.

use anyhow::ensure;
use serde_json::json;
use tests::{Answer, Parts, Picture, Proxy, Target, User};
use tokio::process::Command;

fn require_away(answer: &Answer) -> anyhow::Result<()> {
    ensure!(answer.status == 503 && answer.text("/code") == "UNAVAILABLE", "{answer:?}");
    ensure!(!answer.header("retry-after").is_empty(), "{answer:?}");
    Ok(())
}

async fn box_on(user: &User, image_id: &str) -> anyhow::Result<Answer> {
    let a_box = json!({"image_id": image_id, "label": "car", "x": 0, "y": 0, "width": 1, "height": 1});
    user.post("/api/annotations", &a_box).await
}

/// Given an images service that was killed, or told to end, when it is called, then the answer says to come back; when it
/// is back, then everybody reaches it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_restarts_is_away_and_then_back() -> anyhow::Result<()> {
    let mut parts = Parts::start(&[]).await?;
    let user = parts.target().new_user();
    for signal in ["-KILL", "-TERM"] {
        let (known, image_id) = (user.new_image().await?, user.new_image().await?);
        // The annotations service has a connection of its own to lose.
        ensure!(box_on(&user, &known).await?.status == 201);
        let told = Command::new("kill").args([signal, &parts.images.id()?.to_string()]).status().await?;
        ensure!(told.success());
        parts.images.wait().await?;

        for _ in 0..3 {
            require_away(&user.get(&format!("/api/images/{image_id}")).await?)?;
            require_away(&user.upload(&Picture::png(8, 8), "a.png").await?)?;
            require_away(&box_on(&user, &image_id).await?)?;
        }
        ensure!(user.get("/readyz").await?.status == 503);
        ensure!(user.get(&format!("/api/annotations/by-image/{known}")).await?.status == 200);

        parts.start_images_again().await?;
        let image = user.get(&format!("/api/images/{image_id}")).await?;
        ensure!(image.status == 200, "{signal}: {image:?}");
        let created = box_on(&user, &image_id).await?;
        ensure!(created.status == 201, "{signal}: {created:?}");
        ensure!(user.get("/readyz").await?.status == 200);
    }
    Ok(())
}

/// Given a connection whose other end has vanished without a word, when a call waits on it, then the call fails before its
/// deadline, and the next one takes a new connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_dead_is_given_up() -> anyhow::Result<()> {
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
    // At its deadline it would be 504.
    require_away(&user.get(&image).await?)?;
    let after = user.get(&image).await?;
    ensure!(after.status == 200, "{after:?}");
    Ok(())
}
