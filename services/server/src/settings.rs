//! The settings, as flags and environment variables; a flag wins.

mod duration;
mod ports;
mod proxies;
mod services;
mod stores;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};
use clap::Args;
use listener::Trust;

use self::proxies::Proxies;
pub(crate) use self::stores::{Database, DatabasePlace, Folder, Objects, Stores};
pub(crate) use self::{
    duration::duration,
    ports::PortLimits,
    services::{AnnotationsPort, ImagesPort},
};

/// Settings of `reticle serve`.
#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) stores: Stores,
    #[command(flatten)]
    pub(crate) tokens: Tokens,
    #[command(flatten)]
    pub(crate) uploads: Uploads,
    #[command(flatten)]
    pub(crate) key: ServerKey,
    #[command(flatten)]
    pub(crate) gateway: GatewayPort,
    #[command(flatten)]
    pub(crate) images: ImagesPort,
    #[command(flatten)]
    pub(crate) cleaning: Cleaning,
    #[command(flatten)]
    pub(crate) annotations: AnnotationsPort,
    #[command(flatten)]
    pub(crate) ports: PortLimits,
    #[command(flatten)]
    pub(crate) stopping: Stopping,
}

/// Settings of `reticle images`.
#[derive(Args)]
pub(crate) struct Images {
    #[command(flatten)]
    pub(crate) stores: Stores,
    #[command(flatten)]
    pub(crate) tokens: Tokens,
    #[command(flatten)]
    pub(crate) uploads: Uploads,
    #[command(flatten)]
    pub(crate) key: ServerKey,
    #[command(flatten)]
    pub(crate) images: ImagesPort,
    #[command(flatten)]
    pub(crate) cleaning: Cleaning,
    #[command(flatten)]
    pub(crate) ports: PortLimits,
    #[command(flatten)]
    pub(crate) stopping: Stopping,
}

/// Settings of `reticle annotations`.
#[derive(Args)]
pub(crate) struct Annotations {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(flatten)]
    pub(crate) tokens: Tokens,
    #[command(flatten)]
    pub(crate) key: ServerKey,
    #[command(flatten)]
    pub(crate) annotations: AnnotationsPort,

    /// Where the images service is.
    #[arg(long, env = "RETICLE_IMAGES_URL", default_value = "http://127.0.0.1:50051", value_name = "URL")]
    pub(crate) images_url: String,

    #[command(flatten)]
    pub(crate) trust: UpstreamTrust,
    #[command(flatten)]
    pub(crate) ports: PortLimits,
    #[command(flatten)]
    pub(crate) stopping: Stopping,
}

/// Settings of `reticle gateway`.
#[derive(Args)]
pub(crate) struct Gateway {
    #[command(flatten)]
    pub(crate) folder: Folder,
    #[command(flatten)]
    pub(crate) tokens: Tokens,
    #[command(flatten)]
    pub(crate) uploads: Uploads,
    #[command(flatten)]
    pub(crate) gateway: GatewayPort,

    /// Where the images service is.
    #[arg(long, env = "RETICLE_IMAGES_URL", default_value = "http://127.0.0.1:50051", value_name = "URL")]
    pub(crate) images_url: String,

    /// Where the annotations service is.
    #[arg(
        long,
        env = "RETICLE_ANNOTATIONS_URL",
        default_value = "http://127.0.0.1:50052",
        value_name = "URL"
    )]
    pub(crate) annotations_url: String,

    #[command(flatten)]
    pub(crate) trust: UpstreamTrust,
    #[command(flatten)]
    pub(crate) ports: PortLimits,
    #[command(flatten)]
    pub(crate) stopping: Stopping,
}

/// What tokens are signed with, and what they must say.
#[derive(Args, Clone, Debug)]
pub(crate) struct Signing {
    /// The secret of HS256 tokens, at least 32 bytes. [default: the one in DATA_DIR/jwt-secret, made if need be]
    #[arg(long, env = "RETICLE_JWT_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub(crate) jwt_secret: Option<String>,

    /// The issuer that tokens must name.
    #[arg(long, env = "RETICLE_JWT_ISSUER", value_name = "ISS")]
    pub(crate) jwt_issuer: Option<String>,

    /// The audience that tokens must name.
    #[arg(long, env = "RETICLE_JWT_AUDIENCE", value_name = "AUD")]
    pub(crate) jwt_audience: Option<String>,
}

/// Whose tokens are believed.
#[derive(Args, Clone, Debug)]
pub(crate) struct Tokens {
    #[command(flatten)]
    pub(crate) signing: Signing,

    /// A file or URL of a JWKS: its RS256, ES256 and Ed25519 keys are believed. Without a secret, nothing else is.
    #[arg(long, env = "RETICLE_JWKS", value_name = "FILE|URL")]
    pub(crate) jwks: Option<String>,
}

/// How the process ends.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Stopping {
    /// How many seconds the process goes on serving after SIGTERM, while `/readyz` and health say that it is not ready: as
    /// long as a load balancer takes to see it. Ctrl-C does not wait.
    #[arg(
        long,
        env = "RETICLE_DRAIN_DELAY_SECONDS",
        default_value_t = DEFAULT_DRAIN_DELAY_SECONDS,
        value_parser = clap::value_parser!(u64).range(0..=MAX_DRAIN_DELAY_SECONDS),
        value_name = "SECONDS"
    )]
    drain_delay: u64,
}

/// Load balancers commonly ask every second or two, and believe the second answer.
const DEFAULT_DRAIN_DELAY_SECONDS: u64 = 3;

/// Whoever wants more than five minutes means milliseconds.
const MAX_DRAIN_DELAY_SECONDS: u64 = 300;

impl Stopping {
    pub(crate) const fn drain_delay(self) -> Duration {
        Duration::from_secs(self.drain_delay)
    }
}

/// How the daily clean-up behaves.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Cleaning {
    /// The largest share of the stored images, in percent, whose bytes a clean-up may sweep for want of a record; more is an error.
    #[arg(
        long,
        env = "RETICLE_MAX_SWEEP_PERCENT",
        default_value_t = images::DEFAULT_MAX_SWEEP_PERCENT,
        value_parser = clap::value_parser!(u8).range(0..=100),
        value_name = "PERCENT"
    )]
    max_sweep_percent: u8,
}

impl Cleaning {
    /// As the images service takes it.
    pub(crate) fn settings(self) -> images::CleanupSettings {
        images::CleanupSettings {
            max_sweep_percent: self.max_sweep_percent,
            ..images::CleanupSettings::default()
        }
    }
}

/// Settings of `reticle cleanup`.
#[derive(Args)]
pub(crate) struct Cleanup {
    #[command(flatten)]
    pub(crate) stores: Stores,
    #[command(flatten)]
    pub(crate) cleaning: Cleaning,
}

/// What signs URLs, and page and resume tokens.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServerKey {
    /// The key of signed URLs, page tokens and resume tokens, at least 32 bytes, the same for all processes of a service.
    /// [default: the one in DATA_DIR/url-key, made if need be]
    #[arg(long, env = "RETICLE_URL_KEY", hide_env_values = true, value_name = "KEY")]
    pub(crate) url_key: Option<String>,
}

/// What pictures may be.
#[derive(Args, Clone, Debug)]
pub(crate) struct Uploads {
    /// The largest picture, in bytes.
    #[arg(
        long,
        env = "RETICLE_MAX_UPLOAD_BYTES",
        default_value_t = 10 * 1024 * 1024,
        value_parser = upload_bytes,
        value_name = "BYTES"
    )]
    pub(crate) max_upload_bytes: i32,
}

/// The gateway's port and manners.
#[derive(Args, Clone, Debug)]
pub(crate) struct GatewayPort {
    /// Where the gateway listens for HTTP/JSON, gRPC-web and gRPC.
    #[arg(long, env = "RETICLE_LISTEN", default_value = "127.0.0.1:8787", value_name = "IP:PORT", value_parser = address)]
    pub(crate) listen: SocketAddr,

    /// Web origins whose pages may call, separated by commas; `*` for all.
    #[arg(long, env = "RETICLE_ALLOWED_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub(crate) allowed_origins: Vec<String>,

    /// The proxies whose X-Forwarded headers are believed: addresses and networks, separated by commas, as in
    /// 127.0.0.1,10.0.0.0/8.
    #[arg(
        long,
        env = "RETICLE_TRUSTED_PROXIES",
        default_value = "",
        hide_default_value = true,
        value_parser = Proxies::parse,
        value_name = "NETWORKS"
    )]
    trusted_proxies: Proxies,

    /// The region that `/health` names.
    #[arg(long, env = "RETICLE_REGION", default_value = "local", value_name = "REGION")]
    pub(crate) region: String,
}

impl GatewayPort {
    /// Whose `X-Forwarded-…` headers the gateway believes.
    pub(crate) fn trust(&self) -> Trust {
        self.trusted_proxies.clone().into()
    }
}

/// Whose certificates the other parts may show.
#[derive(Args, Clone, Debug)]
pub(crate) struct UpstreamTrust {
    /// A PEM file of the authorities that sign the certificates of https:// parts. [default: the public ones]
    #[arg(long, env = "RETICLE_UPSTREAM_CA", value_name = "FILE")]
    pub(crate) upstream_ca: Option<PathBuf>,
}

/// Where a part in another process is.
pub(crate) fn upstream_uri(setting: &str, url: &str) -> anyhow::Result<http::Uri> {
    let uri: http::Uri = url.parse().with_context(|| format!("{setting}: `{url}` is not a URL"))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(_)) => Ok(uri),
        _ => bail!("{setting}: `{url}` must be http://HOST:PORT or https://HOST"),
    }
}

/// What signed URLs begin with: a URL to whose end a path can be added.
pub(crate) fn public_url(url: &str) -> anyhow::Result<String> {
    let uri = upstream_uri("--public-url", url)?;
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    // The parsed form has lost the fragment.
    if has_user || url.contains(['?', '#']) {
        bail!("--public-url: `{url}` must have no user, query or fragment: paths are added to its end");
    }
    Ok(url.trim_end_matches('/').to_owned())
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "must be an IP address and a port, as in 127.0.0.1:8787 or 0.0.0.0:8787")
}

fn upload_bytes(text: &str) -> Result<i32, String> {
    let bytes = text.parse().ok().filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| format!("must be a number of bytes from 1 to {}, as in 10485760", i32::MAX))
}
