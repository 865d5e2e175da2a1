//! The description of the API, as other people's programs read it: it is valid, clients that are generated of it work, and
//! the services keep the rules that it states, and no others.

use std::path::Path;

use anyhow::Context as _;
use tests::{Program, foreign_programs, output};
use tokio::process::Command;

/// How many images and annotations there are for requests that name one.
const RECORDS: usize = 8;

/// Runs a script beside these tests, with the folder of generated code and the gateway's URL as its arguments.
async fn run(interpreter: &str, script: &str, folder: &Path, program: &Program) -> anyhow::Result<()> {
    let (target, user) = (program.as_ref(), program.as_ref().new_user());
    let (mut images, mut annotations) = (Vec::new(), Vec::new());
    for _ in 0..RECORDS {
        let image_id = user.new_image().await?;
        let annotation = serde_json::json!({
            "image_id": image_id, "label": "car", "x": 0.1, "y": 0.2, "width": 0.3, "height": 0.4
        });
        let created = user.post("/api/annotations", &annotation).await?;
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
    let python = foreign_programs()?.join("python/bin/python");
    run(&python.to_string_lossy(), script, folder.path(), &program).await
}

/// Given each bound that the description states, when values at it and past it are sent, then the first are stored and the
/// others are rejected by the field's name.
#[tokio::test]
async fn the_services_keep_the_bounds_that_are_described() -> anyhow::Result<()> {
    python("python/openapi/bounds.py").await
}

/// Given requests that the description allows, when they are sent, then none is rejected as invalid, and answers are as
/// described.
#[tokio::test]
async fn what_the_description_allows_is_accepted() -> anyhow::Result<()> {
    python("python/openapi/fuzz.py").await
}

/// Given the description, when openapi-python-client makes a client of it, then that uploads and downloads.
#[tokio::test]
async fn a_generated_python_client_uploads_and_downloads() -> anyhow::Result<()> {
    python("python/openapi/client.py").await
}

/// Given the description, when openapi-typescript makes types of it, then openapi-fetch uploads and downloads by them.
#[tokio::test]
async fn a_generated_typescript_client_uploads_and_downloads() -> anyhow::Result<()> {
    let program = Program::start(&[]).await?;
    let folder = tempfile::tempdir()?;
    std::os::unix::fs::symlink(foreign_programs()?.join("node_modules"), folder.path().join("node_modules"))?;
    run("node", "node/openapi.mjs", folder.path(), &program).await
}
