//! Pages in Chromium, which decides what they may call and read.

use anyhow::ensure;
use tokio::process::Command;

use super::clients::{file, image_with_a_box, output};
use crate::{ALLOWED_ORIGIN, Target, tools::foreign_programs};

/// Given Chromium, when a page of the allowed origin calls by gRPC-web and by `fetch`, then all of it works and the console
/// is silent; a page of another origin may read nothing.
pub(super) async fn pages_of_an_allowed_origin_use_everything_and_others_read_nothing(
    target: Target,
) -> anyhow::Result<()> {
    let user = target.new_user();
    let image_id = image_with_a_box(&user).await?;
    let descriptors = tempfile::NamedTempFile::new()?;
    std::fs::write(&descriptors, proto::FILE_DESCRIPTOR_SET)?;
    let mut node = Command::new("node");
    node.arg(file("node/browser.mjs"))
        .args([&target.url(""), &user.token, &image_id])
        .arg(descriptors.path())
        .arg(ALLOWED_ORIGIN)
        .env("RETICLE_TEST_TOOLS", foreign_programs()?);
    let printed = output(node).await?;
    ensure!(printed.contains("the pages got what is theirs"), "{printed}");
    Ok(())
}
