//! The OpenAPI description, checked with third-party programs: it is valid, clients generated from it work, and the services
//! enforce exactly the rules that it states.

use std::path::Path;

use anyhow::Context as _;
use tests::{Program, fixtures::new_annotation, output, third_party_tools};
use tokio::process::Command;

/// The number of images and annotations that requests can name.
const RECORDS: usize = 8;

/// Runs a script of this crate, with the folder for generated code and the gateway's URL as its arguments.
async fn run(interpreter: &str, script: &str, folder: &Path, program: &Program) -> anyhow::Result<()> {
    let (target, user) = (program.as_ref(), program.as_ref().new_user());
    let (mut images, mut annotations) = (Vec::new(), Vec::new());
    for _ in 0..RECORDS {
        let image_id = user.new_image().await?;
        let created = user.post("/api/annotations", &new_annotation(&image_id)).await?;
        annotations.push(created.text("/annotation/id").to_owned());
        images.push(image_id);
    }
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(interpreter);
    command.arg(scripts.join(script)).arg(folder).arg(target.url("")).current_dir(folder);
    command.env("TOKEN", &user.token);
    command.env("IMAGE_IDS", images.join(" ")).env("ANNOTATION_IDS", annotations.join(" "));
    output(command).await.with_context(|| format!("{interpreter} {script}"))?;
    Ok(())
}

async fn python(script: &str) -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let folder = tempfile::tempdir()?;
    let python = third_party_tools()?.join("python/bin/python");
    run(&python.to_string_lossy(), script, folder.path(), &program).await
}

/// Given each bound that the description states, when values at it and past it are sent, then the former are accepted, and
/// the latter are rejected with the field's name.
#[tokio::test]
async fn the_services_enforce_the_documented_bounds() -> anyhow::Result<()> {
    python("python/openapi/bounds.py").await
}

/// Given requests that the description allows, when they are sent, then none is rejected as invalid, and the responses match
/// the description.
#[tokio::test]
async fn valid_requests_are_accepted() -> anyhow::Result<()> {
    python("python/openapi/fuzz.py").await
}

/// Given the description, when openapi-python-client generates a client, then it can upload and download.
#[tokio::test]
async fn a_generated_python_client_uploads_and_downloads() -> anyhow::Result<()> {
    python("python/openapi/client.py").await
}

/// Given the description, when openapi-typescript generates types, then openapi-fetch can upload and download with them.
#[tokio::test]
async fn a_generated_typescript_client_uploads_and_downloads() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let folder = tempfile::tempdir()?;
    std::os::unix::fs::symlink(
        third_party_tools()?.join("node_modules"),
        folder.path().join("node_modules"),
    )?;
    run("node", "node/openapi.mjs", folder.path(), &program).await
}
