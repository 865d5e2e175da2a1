//! `cargo xtask dev-worker`: runs the three Workers on this machine, with Cloudflare's simulators of D1 and R2.

use std::path::PathBuf;

use super::{
    ALL, ANNOTATIONS, GATEWAY, IMAGES, Worker,
    build::build,
    running,
    secrets::{self, JWT_SECRET, Secrets, URL_KEY},
    tools,
};
use crate::step::run;

/// The options of the command.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The gateway's port; 0 selects a free port.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// The folder of the database, the images and the secrets.
    #[arg(long, default_value = "data/worker", value_name = "DIR")]
    state: PathBuf,
    /// The folder of another Worker to run. The first such Worker listens on the port instead of the gateway.
    #[arg(long = "with", value_name = "DIR")]
    others: Vec<PathBuf>,
}

/// Installs missing tools, builds, migrates, and serves until Ctrl-C or SIGTERM.
pub(crate) fn serve(options: &Options) -> anyhow::Result<()> {
    let tools = tools::install()?;
    build(&tools, &ALL)?;
    let state = std::path::absolute(&options.state)?;
    let kept = Secrets::of(&state);
    let (jwt_secret, url_key) = (kept.find_or_make(JWT_SECRET)?, kept.find_or_make(URL_KEY)?);
    run("migrations", running::migrate(&tools, IMAGES, &state)?)?;
    let mut wrangler = tools.dev(&configurations(options)?, options.port, &state)?;
    // The configurations name the secrets and variables; wrangler reads their values from its environment.
    wrangler.env(JWT_SECRET, &jwt_secret).env(URL_KEY, &url_key);
    let token = secrets::token(&jwt_secret, None, None)?;
    running::serve(wrangler, |url| greeting(url, &token))
}

/// The configurations of the other Workers come first: the Worker of the first configuration listens on the port.
fn configurations(options: &Options) -> anyhow::Result<Vec<PathBuf>> {
    let others = options.others.iter().map(|other| Ok(std::path::absolute(other)?.join("wrangler.jsonc")));
    let own = [GATEWAY, IMAGES, ANNOTATIONS].into_iter().map(Worker::configuration_alone);
    others.chain(own).collect()
}

fn greeting(url: &str, token: &str) -> String {
    format!(
        "Reticle is ready, as three Workers: {url}

  export TOKEN={token}
  curl -H \"authorization: Bearer $TOKEN\" -F image=@photo.jpg {url}/api/images/upload"
    )
}
