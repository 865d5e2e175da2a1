//! The settings, as flags and environment variables; a flag wins.

use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use storage_native::{BridgeSecret, BridgeUrl, S3Location};

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
    pub(crate) gateway: GatewayPort,
    #[command(flatten)]
    pub(crate) images: ImagesPort,
    #[command(flatten)]
    pub(crate) annotations: AnnotationsPort,
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
    pub(crate) images: ImagesPort,
}

/// Settings of `reticle annotations`.
#[derive(Args)]
pub(crate) struct Annotations {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(flatten)]
    pub(crate) tokens: Tokens,
    #[command(flatten)]
    pub(crate) annotations: AnnotationsPort,

    /// Where the images service is.
    #[arg(long, env = "RETICLE_IMAGES_URL", default_value = "http://127.0.0.1:50051", value_name = "URL")]
    pub(crate) images_url: String,

    #[command(flatten)]
    pub(crate) trust: UpstreamTrust,
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
}

/// The folder that everything is in unless a setting says otherwise.
#[derive(Args, Clone, Debug)]
pub(crate) struct Folder {
    /// The folder of the database, the pictures and the secrets.
    #[arg(long, env = "RETICLE_DATA_DIR", default_value = "./data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
}

impl Folder {
    /// The file of the secret that signs tokens, where none is given.
    pub(crate) fn jwt_secret_path(&self) -> PathBuf {
        self.data_dir.join("jwt-secret")
    }

    /// The file of the key that signs URLs, where none is given.
    pub(crate) fn url_key_path(&self) -> PathBuf {
        self.data_dir.join("url-key")
    }
}

/// Where the rows are.
#[derive(Args, Clone, Debug)]
pub(crate) struct Database {
    #[command(flatten)]
    pub(crate) folder: Folder,

    /// The database: `sqlite:PATH`, or `d1+https://HOST` of a D1 bridge. [default: sqlite:DATA_DIR/reticle.db]
    #[arg(long, env = "RETICLE_DATABASE_URL", value_name = "URL")]
    database_url: Option<String>,

    /// The secret that the D1 bridge was given, at least 32 bytes.
    #[arg(long, env = "RETICLE_BRIDGE_SECRET", hide_env_values = true, value_name = "SECRET")]
    bridge_secret: Option<String>,
}

/// Which database is meant, and what opens it.
pub(crate) enum DatabasePlace {
    /// A SQLite file.
    File(PathBuf),
    /// A D1 bridge.
    Bridge(BridgeUrl, BridgeSecret),
}

impl Database {
    /// The database that is meant.
    pub(crate) fn place(&self) -> anyhow::Result<DatabasePlace> {
        match self.database_url.as_deref() {
            Some(url) if BridgeUrl::is_meant_by(url) => {
                let url = BridgeUrl::parse(url).context("--database-url")?;
                Ok(DatabasePlace::Bridge(url, self.bridge_secret()?))
            }
            url => {
                let default = || self.folder.data_dir.join("reticle.db");
                path_of("--database-url", "sqlite:", url, default).map(DatabasePlace::File)
            }
        }
    }

    fn bridge_secret(&self) -> anyhow::Result<BridgeSecret> {
        let setting = "--bridge-secret (RETICLE_BRIDGE_SECRET)";
        let Some(secret) = &self.bridge_secret else {
            bail!("{setting} is missing: --database-url is a D1 bridge, which was given one")
        };
        BridgeSecret::parse(secret).context(setting)
    }
}

/// Where the rows and the pictures are.
#[derive(Args, Clone, Debug)]
pub(crate) struct Stores {
    #[command(flatten)]
    pub(crate) database: Database,

    /// The pictures: `file:PATH`, or `s3://BUCKET?endpoint=URL&region=auto`. [default: file:DATA_DIR/objects]
    #[arg(long, env = "RETICLE_OBJECTS_URL", value_name = "URL")]
    objects_url: Option<String>,
}

/// Which object store the pictures are in.
#[derive(Clone, Debug)]
pub(crate) enum Objects {
    /// Files below this folder.
    Files(PathBuf),
    /// This bucket.
    S3(S3Location),
}

impl Stores {
    /// Where the objects are.
    pub(crate) fn objects(&self) -> anyhow::Result<Objects> {
        const SETTING: &str = "--objects-url";
        match self.objects_url.as_deref() {
            Some(url) if url.starts_with("s3:") => {
                let location = S3Location::parse(url);
                location.map(Objects::S3).map_err(|problem| anyhow!("{SETTING}: `{url}` {problem}"))
            }
            url => path_of(SETTING, "file:", url, || self.database.folder.data_dir.join("objects"))
                .map(Objects::Files),
        }
    }
}

fn path_of(
    setting: &str,
    scheme: &str,
    url: Option<&str>,
    default: impl FnOnce() -> PathBuf,
) -> anyhow::Result<PathBuf> {
    let Some(url) = url else { return Ok(default()) };
    let Some(path) = url.strip_prefix(scheme) else { bail!("{setting}: `{url}` must begin with `{scheme}`") };
    match path.strip_prefix("//").unwrap_or(path) {
        "" => bail!("{setting}: `{url}` has no path"),
        // Elsewhere these mean a database in memory, and options; here they would be names of files.
        path if path.starts_with(':') || path.contains('?') => {
            bail!("{setting}: `{url}` must be `{scheme}` and a path, with nothing else")
        }
        path => Ok(PathBuf::from(path)),
    }
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

/// The images service's own port, and the URLs it signs.
#[derive(Args, Clone, Debug)]
pub(crate) struct ImagesPort {
    /// Where the images service listens for gRPC and gRPC-web.
    #[arg(long, env = "RETICLE_IMAGES_LISTEN", default_value = "127.0.0.1:50051", value_name = "IP:PORT", value_parser = address)]
    pub(crate) images_listen: SocketAddr,

    /// The URL at which browsers reach the gateway; signed image URLs begin with it. [default: as the request says]
    #[arg(long, env = "RETICLE_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,

    /// The key of signed URLs, at least 32 bytes. [default: the one in DATA_DIR/url-key, made if need be]
    #[arg(long, env = "RETICLE_URL_KEY", hide_env_values = true, value_name = "KEY")]
    pub(crate) url_key: Option<String>,
}

/// The annotations service's own port.
#[derive(Args, Clone, Debug)]
pub(crate) struct AnnotationsPort {
    /// Where the annotations service listens for gRPC and gRPC-web.
    #[arg(
        long,
        env = "RETICLE_ANNOTATIONS_LISTEN",
        default_value = "127.0.0.1:50052",
        value_name = "IP:PORT",
        value_parser = address
    )]
    pub(crate) annotations_listen: SocketAddr,

    /// The most watchers that there may be at a time; one more is asked to come back.
    #[arg(
        long,
        env = "RETICLE_MAX_WATCHERS",
        default_value_t = annotations::DEFAULT_MAX_WATCHERS,
        value_name = "COUNT"
    )]
    pub(crate) max_watchers: NonZeroUsize,

    /// The most streams of boxes that may be open at a time; a producer more is asked to come back.
    #[arg(
        long,
        env = "RETICLE_MAX_INGEST_STREAMS",
        default_value_t = annotations::DEFAULT_MAX_INGEST_STREAMS,
        value_name = "COUNT"
    )]
    pub(crate) max_ingest_streams: NonZeroUsize,

    /// The most bytes of boxes that all streams together hold in memory; what is more is asked to come back.
    #[arg(
        long,
        env = "RETICLE_MAX_INGEST_BYTES",
        default_value_t = annotations::DEFAULT_MAX_INGEST_BYTES,
        value_name = "BYTES"
    )]
    pub(crate) max_ingest_bytes: NonZeroUsize,
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

    /// The region that `/health` names.
    #[arg(long, env = "RETICLE_REGION", default_value = "local", value_name = "REGION")]
    pub(crate) region: String,
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

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "must be an IP address and a port, as in 127.0.0.1:8787 or 0.0.0.0:8787")
}

fn upload_bytes(text: &str) -> Result<i32, String> {
    let bytes = text.parse().ok().filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| format!("must be a number of bytes from 1 to {}, as in 10485760", i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storage_url_names_a_path_or_the_setting_is_blamed() {
        let path = |url| path_of("--database-url", "sqlite:", url, || PathBuf::from("default"));
        assert_eq!(path(None).unwrap(), PathBuf::from("default"));
        assert_eq!(path(Some("sqlite:a/b.db")).unwrap(), PathBuf::from("a/b.db"));
        assert_eq!(path(Some("sqlite:///a/b.db")).unwrap(), PathBuf::from("/a/b.db"));
        for wrong in
            ["sqlite:", "sqlite://", "postgres://x", "a.db", "sqlite::memory:", "sqlite:a.db?mode=ro"]
        {
            assert!(path(Some(wrong)).unwrap_err().to_string().starts_with("--database-url: `"), "{wrong}");
        }
    }

    #[test]
    fn a_bridge_has_a_url_and_a_secret_or_the_setting_is_blamed() {
        let place = |url: &str, secret: Option<&str>| {
            let (database_url, bridge_secret) = (Some(url.to_owned()), secret.map(str::to_owned));
            Database { folder: Folder { data_dir: "data".into() }, database_url, bridge_secret }.place()
        };
        let secret = Some("0123456789abcdef0123456789abcdef");
        assert!(matches!(place("d1+https://a", secret), Ok(DatabasePlace::Bridge(..))));
        assert!(matches!(place("sqlite:a.db", secret), Ok(DatabasePlace::File(_))));
        for (url, secret, blamed) in [
            ("d1+https://a", None, "--bridge-secret (RETICLE_BRIDGE_SECRET)"),
            ("d1+https://a", Some("short"), "--bridge-secret (RETICLE_BRIDGE_SECRET)"),
            ("d1+http://a", secret, "--database-url"),
            ("d1+ftp://a", secret, "--database-url"),
        ] {
            let refused = place(url, secret).map(drop).unwrap_err();
            assert!(refused.to_string().starts_with(blamed), "{url}: {refused}");
        }
    }
}
