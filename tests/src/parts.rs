//! `reticle images`, `reticle annotations` and `reticle gateway`: three processes on one folder.

use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    Target,
    process::{Process, program},
    token::SECRET,
};

/// The three processes; killed when dropped.
pub struct Parts {
    /// `reticle images`
    pub images: Process,
    /// `reticle annotations`
    pub annotations: Process,
    /// `reticle gateway`
    pub gateway: Process,
    target: Target,
    _data_dir: TempDir,
}

impl AsRef<Target> for Parts {
    fn as_ref(&self) -> &Target {
        &self.target
    }
}

impl Parts {
    /// Starts all three on a new folder and waits until they listen; `arguments` go to the gateway.
    ///
    /// # Errors
    /// One did not start; the error has what it printed.
    pub async fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start_with(&[], arguments).await
    }

    /// Starts all three in the same way with these `variables`, as for other stores than the folder.
    ///
    /// # Errors
    /// One did not start; the error has what it printed.
    pub async fn start_with(variables: &[(&str, &str)], arguments: &[&str]) -> anyhow::Result<Self> {
        let data_dir = tempfile::tempdir()?;
        let folder = data_dir.path().to_string_lossy().into_owned();
        let common = ["--jwt-secret", SECRET, "--data-dir", &folder];

        let images = [&["images"], &common[..], &["--images-listen", "127.0.0.1:0"]].concat();
        let images = start_part(&images, variables, "images").await?;
        let images_url = format!("http://{}", images.address("images")?);

        let annotations = ["--annotations-listen", "127.0.0.1:0", "--images-url", &images_url];
        let annotations = [&["annotations"], &common[..], &annotations[..]].concat();
        let annotations = start_part(&annotations, variables, "annotations").await?;
        let annotations_url = format!("http://{}", annotations.address("annotations")?);

        let gateway =
            ["--listen", "127.0.0.1:0", "--images-url", &images_url, "--annotations-url", &annotations_url];
        let gateway = [&["gateway"], &common[..], &gateway[..], arguments].concat();
        let gateway = start_part(&gateway, variables, "gateway").await?;

        let target = Target::new(
            gateway.address("gateway")?,
            images.address("images")?,
            annotations.address("annotations")?,
        )?;
        Ok(Self { images, annotations, gateway, target, _data_dir: data_dir })
    }

    /// The addresses.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }
}

async fn start_part(arguments: &[&str], variables: &[(&str, &str)], port: &str) -> anyhow::Result<Process> {
    let mut command = Command::new(program());
    command.args(arguments).envs(variables.iter().copied());
    Process::start_by(command, &[port]).await
}
