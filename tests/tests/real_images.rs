//! Third-party images, some of them corrupt: Reticle reports the same sizes as other image readers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Method;
use tests::{HttpResponse, Program, User, output, third_party_tools};
use tokio::process::Command;

/// The number of concurrent uploads.
const CONCURRENT_UPLOADS: usize = 8;

/// The minimum of stored images, so that the test fails if the package moved its files.
const MIN_STORED: usize = 600;

/// Width and height of the upright image.
type Size = (u64, u64);

/// The size that another reader shows for each file, if it can show it.
type Sizes = BTreeMap<PathBuf, Option<Size>>;

/// Reticle's result for a file.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// It was stored, with its size if that is known.
    Stored(Option<Size>),
    /// Its format is not accepted.
    Rejected,
}

/// Given the images of Pillow's own tests, when they are uploaded, then each has the size that Pillow shows, or the size that
/// Chromium shows if Pillow shows none.
#[tokio::test(flavor = "multi_thread")]
async fn image_sizes_match_those_of_pillow_and_chromium() -> anyhow::Result<()> {
    let tools = third_party_tools()?;
    // The scripts print canonical paths.
    let images = fs::canonicalize(tools.join("images")).context("there are no images")?;
    let program = Program::start(&["--max-upload-bytes", "67108864"]).await?;
    let user = program.target().new_user();
    let (pillow, chromium, outcomes) = tokio::try_join!(
        sizes(Command::new(tools.join("python/bin/python")), "python/sizes.py", &images),
        sizes(Command::new("node"), "node/sizes.mjs", &images),
        upload_all(&user, &images),
    )?;

    let stored = outcomes.values().filter(|outcome| matches!(outcome, Outcome::Stored(_))).count();
    ensure!(stored >= MIN_STORED, "only {stored} images stored from {}", images.display());
    let differing: Vec<String> = outcomes
        .iter()
        .filter_map(|(file, outcome)| {
            let of = |sizes: &Sizes| sizes.get(file).copied().flatten();
            let shown = match outcome {
                // Chromium shows formats that Reticle does not accept.
                Outcome::Rejected => of(&pillow),
                Outcome::Stored(_) => of(&pillow).or_else(|| of(&chromium)),
            }?;
            let differs = *outcome != Outcome::Stored(Some(shown));
            differs.then(|| format!("{}: {outcome:?}, shown as {shown:?}", file.display()))
        })
        .collect();
    ensure!(differing.is_empty(), "{} of {stored}:\n{}", differing.len(), differing.join("\n"));
    Ok(())
}

/// The sizes that a script of this crate prints for the folder: one line of JSON for each file.
async fn sizes(mut command: Command, script: &str, folder: &Path) -> anyhow::Result<Sizes> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    command.arg(script).arg(folder).env("RETICLE_TEST_TOOLS", third_party_tools()?);
    let printed = output(command).await?;
    printed.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// Uploads each file, and returns the results.
#[expect(clippy::indexing_slicing, reason = "a response that lacks a field fails its test")]
async fn upload_all(user: &User, folder: &Path) -> anyhow::Result<BTreeMap<PathBuf, Outcome>> {
    let uploads = stream::iter(files_in(folder)?).map(|file| async move {
        let response = upload(user, &file).await?;
        let image = &response.json["image"];
        let size = image["width"].as_u64().zip(image["height"].as_u64());
        ensure!(matches!(response.status, 201 | 415), "{}: {response:?}", file.display());
        if response.status == 415 {
            return Ok((file, Outcome::Rejected));
        }
        ensure!(size.is_some() != image["unknown_size"].is_string(), "{}: {response:?}", file.display());
        Ok((file, Outcome::Stored(size)))
    });
    uploads.buffer_unordered(CONCURRENT_UPLOADS).try_collect().await
}

async fn upload(user: &User, file: &Path) -> anyhow::Result<HttpResponse> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let request = user.request(Method::POST, "/api/images/upload").header("content-type", "image/*");
    HttpResponse::read(request.body(bytes).send().await?).await
}

/// All files that are not empty, in the folder and its subfolders.
fn files_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(files_in(&entry.path())?);
        } else if entry.metadata()?.len() > 0 {
            files.push(entry.path());
        }
    }
    Ok(files)
}
