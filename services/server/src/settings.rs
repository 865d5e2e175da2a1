//! The settings, as flags and environment variables; a flag takes precedence. The comments are the texts of `--help`.
//!
//! To add a setting, add a field here or in the submodule of its part, and pass it on in `parts.rs`.

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
pub(crate) use self::stores::{Database, DatabaseLocation, Folder, Objects, Stores};
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

    /// The URL of the images service.
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

    /// The URL of the images service.
    #[arg(long, env = "RETICLE_IMAGES_URL", default_value = "http://127.0.0.1:50051", value_name = "URL")]
    pub(crate) images_url: String,

    /// The URL of the annotations service.
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

/// The secret that signs tokens, and the claims that tokens must have.
#[derive(Args, Clone, Debug)]
pub(crate) struct Signing {
    /// The secret of HS256 tokens, at least 32 bytes. [default: the one in DATA_DIR/jwt-secret, created if missing]
    #[arg(long, env = "RETICLE_JWT_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub(crate) jwt_secret: Option<String>,

    /// The issuer (`iss`) that tokens must name.
    #[arg(long, env = "RETICLE_JWT_ISSUER", value_name = "ISS")]
    pub(crate) jwt_issuer: Option<String>,

    /// The audience (`aud`) that tokens must name.
    #[arg(long, env = "RETICLE_JWT_AUDIENCE", value_name = "AUD")]
    pub(crate) jwt_audience: Option<String>,
}

/// Which tokens are accepted.
#[derive(Args, Clone, Debug)]
pub(crate) struct Tokens {
    #[command(flatten)]
    pub(crate) signing: Signing,

    /// The file or URL of a JWKS, whose RS256, ES256 and Ed25519 keys verify tokens. If no secret is set, no other tokens are
    /// accepted.
    #[arg(long, env = "RETICLE_JWKS", value_name = "FILE|URL")]
    pub(crate) jwks: Option<String>,
}

/// How the process stops.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Stopping {
    /// How many seconds the process continues to serve after SIGTERM while `/readyz` and health report that it is not ready.
    /// Set it to the time that a load balancer needs to notice. Ctrl-C does not wait.
    #[arg(
        long,
        env = "RETICLE_DRAIN_DELAY_SECONDS",
        default_value_t = DEFAULT_DRAIN_DELAY_SECONDS,
        value_parser = clap::value_parser!(u64).range(0..=MAX_DRAIN_DELAY_SECONDS),
        value_name = "SECONDS"
    )]
    drain_delay: u64,
}

/// Load balancers commonly check every one or two seconds and act on the second response.
const DEFAULT_DRAIN_DELAY_SECONDS: u64 = 3;

/// A value above five minutes is probably meant in milliseconds.
const MAX_DRAIN_DELAY_SECONDS: u64 = 300;

impl Stopping {
    pub(crate) const fn drain_delay(self) -> Duration {
        Duration::from_secs(self.drain_delay)
    }
}

/// Settings of the daily clean-up.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Cleaning {
    /// The maximum share of the stored images, in percent, that a clean-up may sweep because they have no record. If there
    /// are more, the clean-up fails.
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
    /// The settings for the images service.
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

/// The key that signs URLs, page tokens and resume tokens.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServerKey {
    /// The key of signed URLs, page tokens and resume tokens, at least 32 bytes; the same for all processes of a service.
    /// [default: the one in DATA_DIR/url-key, created if missing]
    #[arg(long, env = "RETICLE_URL_KEY", hide_env_values = true, value_name = "KEY")]
    pub(crate) url_key: Option<String>,
}

/// Limits of uploads.
#[derive(Args, Clone, Debug)]
pub(crate) struct Uploads {
    /// The maximum size of an image, in bytes.
    #[arg(
        long,
        env = "RETICLE_MAX_UPLOAD_BYTES",
        default_value_t = 10 * 1024 * 1024,
        value_parser = upload_bytes,
        value_name = "BYTES"
    )]
    pub(crate) max_upload_bytes: i32,
}

/// The port of the gateway and its settings.
#[derive(Args, Clone, Debug)]
pub(crate) struct GatewayPort {
    /// The address on which the gateway listens for HTTP/JSON, gRPC-web and gRPC.
    #[arg(long, env = "RETICLE_LISTEN", default_value = "127.0.0.1:8787", value_name = "IP:PORT", value_parser = address)]
    pub(crate) listen: SocketAddr,

    /// The web origins whose pages may call the gateway, separated by commas; `*` for all.
    #[arg(long, env = "RETICLE_ALLOWED_ORIGINS", value_delimiter = ',', value_name = "ORIGINS")]
    pub(crate) allowed_origins: Vec<String>,

    /// The proxies whose X-Forwarded headers are trusted: addresses and networks, separated by commas, as in
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

    /// The region that `/health` reports.
    #[arg(long, env = "RETICLE_REGION", default_value = "local", value_name = "REGION")]
    pub(crate) region: String,
}

impl GatewayPort {
    /// The proxies whose `X-Forwarded-…` headers the gateway trusts.
    pub(crate) fn trust(&self) -> Trust {
        self.trusted_proxies.clone().into()
    }
}

/// The certificate authorities that are trusted for connections to other parts.
#[derive(Args, Clone, Debug)]
pub(crate) struct UpstreamTrust {
    /// A PEM file of the authorities that sign the certificates of https:// parts. [default: the public authorities]
    #[arg(long, env = "RETICLE_UPSTREAM_CA", value_name = "FILE")]
    pub(crate) upstream_ca: Option<PathBuf>,
}

/// Parses the URL of a part in another process.
pub(crate) fn upstream_uri(setting: &str, url: &str) -> anyhow::Result<http::Uri> {
    let uri: http::Uri = url.parse().with_context(|| format!("{setting}: `{url}` is not a URL"))?;
    match (uri.scheme_str(), uri.authority()) {
        (Some("http" | "https"), Some(_)) => Ok(uri),
        _ => bail!("{setting}: `{url}` must be http://HOST:PORT or https://HOST"),
    }
}

/// Parses the base URL of signed URLs, to which paths are appended.
pub(crate) fn public_url(url: &str) -> anyhow::Result<String> {
    let uri = upstream_uri("--public-url", url)?;
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    // `uri` does not contain the fragment.
    if has_user || url.contains(['?', '#']) {
        bail!("--public-url: `{url}` must have no user, query or fragment, because paths are appended to it");
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
