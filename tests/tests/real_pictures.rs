//! Pictures that other people made, broken ones among them: each has the size that other people's readers show.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Method;
use tests::{Answer, Program, User, foreign_programs, output};
use tokio::process::Command;

/// How many pictures are uploaded at a time.
const AT_A_TIME: usize = 8;

/// How many pictures there must be at least, so that a package whose files moved does not pass.
const AT_LEAST: usize = 600;

/// Width and height of the upright picture.
type Size = (u64, u64);

/// How large others show each file, if they show it.
type Sizes = BTreeMap<PathBuf, Option<Size>>;

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
enum Ours {
    /// It is stored, with its size if it is known.
    Stored(Option<Size>),
    /// It is none of the formats that are taken.
    Refused,
}

/// Given the pictures of Pillow's own tests, when they are uploaded, then each has the size that Pillow shows; where
/// Pillow shows none, the one that Chromium shows.
#[tokio::test(flavor = "multi_thread")]
async fn every_picture_has_the_size_that_others_show() -> anyhow::Result<()> {
    let tools = foreign_programs()?;
    // As the scripts print it.
    let pictures = fs::canonicalize(tools.join("pictures")).context("there are no pictures")?;
    let program = Program::start(&["--max-upload-bytes", "67108864"]).await?;
    let user = program.target().new_user();
    let (pillow, chromium, ours) = tokio::try_join!(
        sizes(Command::new(tools.join("python/bin/python")), "python/sizes.py", &pictures),
        sizes(Command::new("node"), "node/sizes.mjs", &pictures),
        uploaded(&user, &pictures),
    )?;

    let stored = ours.values().filter(|ours| matches!(ours, Ours::Stored(_))).count();
    ensure!(stored >= AT_LEAST, "{stored} pictures below {}", pictures.display());
    let differing: Vec<String> = ours
        .iter()
        .filter_map(|(file, ours)| {
            let of = |sizes: &Sizes| sizes.get(file).copied().flatten();
            let shown = match ours {
                // Chromium shows formats that are not taken.
                Ours::Refused => of(&pillow),
                Ours::Stored(_) => of(&pillow).or_else(|| of(&chromium)),
            }?;
            let differs = *ours != Ours::Stored(Some(shown));
            differs.then(|| format!("{}: {ours:?}, shown as {shown:?}", file.display()))
        })
        .collect();
    ensure!(differing.is_empty(), "{} of {stored}:\n{}", differing.len(), differing.join("\n"));
    Ok(())
}

/// What a script of this crate finds in the folder: one line of JSON for each file.
async fn sizes(mut command: Command, script: &str, folder: &Path) -> anyhow::Result<Sizes> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    command.arg(script).arg(folder).env("RETICLE_TEST_TOOLS", foreign_programs()?);
    let printed = output(command).await?;
    printed.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

/// What became of each file.
#[expect(clippy::indexing_slicing, reason = "an answer that lacks a field fails its test")]
async fn uploaded(user: &User, folder: &Path) -> anyhow::Result<BTreeMap<PathBuf, Ours>> {
    let uploads = stream::iter(files_in(folder)?).map(|file| async move {
        let answer = upload(user, &file).await?;
        let image = &answer.json["image"];
        let size = image["width"].as_u64().zip(image["height"].as_u64());
        ensure!(matches!(answer.status, 201 | 415), "{}: {answer:?}", file.display());
        if answer.status == 415 {
            return Ok((file, Ours::Refused));
        }
        ensure!(size.is_some() != image["unknown_size"].is_string(), "{}: {answer:?}", file.display());
        Ok((file, Ours::Stored(size)))
    });
    uploads.buffer_unordered(AT_A_TIME).try_collect().await
}

async fn upload(user: &User, file: &Path) -> anyhow::Result<Answer> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let request = user.request(Method::POST, "/api/images/upload").header("content-type", "image/*");
    Answer::read(request.body(bytes).send().await?).await
}

/// All files that are not empty, in the folder and below.
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
