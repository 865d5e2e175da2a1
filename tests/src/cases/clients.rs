//! Third-party clients: grpcurl and Google's Python gRPC by reflection, and connect-web (for browsers) in Node.

use std::path::PathBuf;

use anyhow::ensure;
use serde_json::Value;
use tokio::process::Command;

use crate::{
    Target, User,
    fixtures::new_annotation,
    tools::{output, third_party_tools},
};

/// A file of this crate.
pub(super) fn file(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(super) async fn annotated_image(user: &User) -> anyhow::Result<String> {
    let image_id = user.new_image().await?;
    ensure!(user.post("/api/annotations", &new_annotation(&image_id)).await?.status == 201);
    Ok(image_id)
}

/// Given reflection, when grpcurl lists services and calls one, on the service's and the gateway's port, then it succeeds.
pub(super) async fn grpcurl_calls_by_reflection(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = annotated_image(&user).await?;
    let authorization = format!("authorization: Bearer {}", user.token);
    for address in [target.annotations.to_string(), target.gateway.to_string()] {
        let listed = grpcurl(&[&address, "list"]).await?;
        for service in ["reticle.annotations.v1.AnnotationsService", "grpc.health.v1.Health"] {
            ensure!(listed.contains(service), "{address}: {listed}");
        }
        let request = format!(r#"{{"image_id":"{image_id}"}}"#);
        let method = "reticle.annotations.v1.AnnotationsService/ListAnnotations";
        let response = grpcurl(&["-H", &authorization, "-d", &request, &address, method]).await?;
        let response: Value = serde_json::from_str(&response)?;
        ensure!(response["annotations"][0]["label"] == "car", "{address}: {response}");
        let health = grpcurl(&[&address, "grpc.health.v1.Health/Check"]).await?;
        ensure!(health.contains("SERVING") && !health.contains("NOT_SERVING"), "{address}: {health}");
    }
    Ok(())
}

async fn grpcurl(arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(third_party_tools()?.join("python/bin/grpcurl"));
    command.arg("-plaintext").args(arguments);
    output(command).await
}

/// Given reflection, when Google's Python gRPC calls, then it uploads an image and creates annotations on it.
pub(super) async fn python_grpc_calls_by_reflection(target: Target) -> anyhow::Result<()> {
    let mut python = Command::new(third_party_tools()?.join("python/bin/python"));
    python.arg(file("python/reflection.py")).args([
        target.images.to_string(),
        target.annotations.to_string(),
        target.new_user().token,
    ]);
    let printed = output(python).await?;
    ensure!(printed.contains("stored 3 annotations"), "{printed}");
    Ok(())
}

/// Given the gateway, when connect-web calls by gRPC-web as a browser does, then messages, streams and errors arrive.
pub(super) async fn connect_web_calls_by_grpc_web(target: Target) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = annotated_image(&user).await?;
    let descriptors = tempfile::NamedTempFile::new()?;
    std::fs::write(&descriptors, proto::FILE_DESCRIPTOR_SET)?;
    let mut node = Command::new("node");
    node.arg(file("node/grpc-web.mjs"))
        .args([&target.url(""), &user.token, &image_id])
        .arg(descriptors.path())
        .env("RETICLE_TEST_TOOLS", third_party_tools()?);
    let printed = output(node).await?;
    ensure!(printed.contains("all gRPC-web checks passed"), "{printed}");
    Ok(())
}
