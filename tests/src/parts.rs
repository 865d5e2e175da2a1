//! Runs `reticle images`, `reticle annotations` and `reticle gateway`: three processes on one data folder.

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
    settings: Settings,
}

impl AsRef<Target> for Parts {
    fn as_ref(&self) -> &Target {
        &self.target
    }
}

impl Parts {
    /// Starts all three on a new folder and waits until they listen. The gateway gets `arguments`.
    ///
    /// # Errors
    /// A process did not start; the error has its output.
    pub async fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start_with(&[], arguments).await
    }

    /// Starts all three, as [`Self::start`] does, with these environment `variables`, for example for other stores.
    ///
    /// # Errors
    /// A process did not start; the error has its output.
    pub async fn start_with(variables: &[(&str, &str)], arguments: &[&str]) -> anyhow::Result<Self> {
        let settings = Settings::new(variables)?;
        let images = settings.start("images", &["--images-listen", ANY_PORT]).await?;
        let images_url = format!("http://{}", images.address("images")?);
        let annotations = ["--annotations-listen", ANY_PORT, "--images-url", &images_url];
        let annotations = settings.start("annotations", &annotations).await?;
        let annotations_url = format!("http://{}", annotations.address("annotations")?);
        let gateway =
            ["--listen", ANY_PORT, "--images-url", &images_url, "--annotations-url", &annotations_url];
        let gateway = settings.start("gateway", &[&gateway, arguments].concat()).await?;
        let target = Target::new(
            gateway.address("gateway")?,
            images.address("images")?,
            annotations.address("annotations")?,
        )?;
        Ok(Self { images, annotations, gateway, target, settings })
    }

    /// The addresses of the three processes.
    #[must_use]
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// Starts another process of `part` (`images`, `annotations`, `gateway`) with the same folder, secret and variables.
    ///
    /// # Errors
    /// The process did not start; the error has its output.
    pub async fn start_another(&self, part: &str, arguments: &[&str]) -> anyhow::Result<Process> {
        self.settings.start(part, arguments).await
    }

    /// Starts `reticle images` again at its old address, after it has stopped.
    ///
    /// # Errors
    /// The process did not start; the error has its output.
    pub async fn restart_images(&mut self) -> anyhow::Result<()> {
        let address = self.target.images.to_string();
        self.images = self.settings.start("images", &["--images-listen", &address]).await?;
        Ok(())
    }
}

const ANY_PORT: &str = "127.0.0.1:0";

/// The settings that all three processes share.
struct Settings {
    data_dir: TempDir,
    variables: Vec<(String, String)>,
}

impl Settings {
    fn new(variables: &[(&str, &str)]) -> anyhow::Result<Self> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Ok(Self { data_dir: tempfile::tempdir()?, variables: variables.collect() })
    }

    async fn start(&self, part: &str, arguments: &[&str]) -> anyhow::Result<Process> {
        let mut command = Command::new(program());
        command.arg(part).args(["--jwt-secret", SECRET, "--data-dir"]).arg(self.data_dir.path());
        command.args(arguments).envs(self.variables.iter().map(|(name, value)| (name, value)));
        Process::start_by(command, &[part]).await
    }
}
