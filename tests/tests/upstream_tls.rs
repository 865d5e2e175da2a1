//! Parts that call each other over TLS, with a private certificate authority.

use std::{fs, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Parts, Proxy, Target, program, token::SECRET};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::timeout,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, pki_types::PrivateKeyDer},
};

/// A private certificate authority, and a certificate that it signed for 127.0.0.1.
struct Authority {
    pem: String,
    server: TlsAcceptor,
}

impl Authority {
    fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (key, server_key) = (KeyPair::generate()?, KeyPair::generate()?);
        let pem = params.self_signed(&key)?.pem();
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        let server = server.signed_by(&server_key, &Issuer::new(params, key))?;
        let server_key = PrivateKeyDer::try_from(server_key.serialize_der()).map_err(anyhow::Error::msg)?;
        let config = ServerConfig::builder().with_no_client_auth();
        let mut config = config.with_single_cert(vec![server.der().clone()], server_key)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { pem, server: TlsAcceptor::from(Arc::new(config)) })
    }
}

/// Given services behind TLS, when a gateway and an annotations service that trust the authority call them, then the calls
/// succeed.
#[tokio::test(flavor = "multi_thread")]
async fn parts_call_each_other_over_tls() -> anyhow::Result<()> {
    let (parts, authority, folder) = (Parts::start(&[]).await?, Authority::new()?, TempDir::new()?);
    let file = folder.path().join("authority.pem");
    fs::write(&file, &authority.pem)?;
    let file = file.to_string_lossy();

    let images = Proxy::start_tls(parts.target().images, authority.server.clone()).await?;
    let images_url = format!("https://{}", images.address());
    let trusting = ["--upstream-ca", &file, "--images-url", &images_url];
    let annotations = [&trusting[..], &["--annotations-listen", "127.0.0.1:0"]].concat();
    let annotations = parts.start_another("annotations", &annotations).await?;
    let annotations = Proxy::start_tls(annotations.address("annotations")?, authority.server).await?;
    let annotations_url = format!("https://{}", annotations.address());
    let gateway =
        [&trusting[..], &["--annotations-url", &annotations_url, "--listen", "127.0.0.1:0"]].concat();
    let gateway = parts.start_another("gateway", &gateway).await?;

    let user = Target::behind(gateway.address("gateway")?)?.new_user();
    let ready = user.get("/readyz").await?;
    ensure!(ready.status == 200, "{ready:?}");
    let image_id = user.new_image().await?;
    let new_annotation =
        json!({"image_id": image_id, "label": "car", "x": 0, "y": 0, "width": 1, "height": 1});
    let created = user.post("/api/annotations", &new_annotation).await?;
    ensure!(created.status == 201, "{created:?}");
    Ok(())
}

/// Given a part behind TLS, when `reticle health` checks it, then the check succeeds if it trusts the authority; otherwise, the
/// error has the cause.
#[tokio::test(flavor = "multi_thread")]
async fn the_health_command_checks_a_part_over_tls() -> anyhow::Result<()> {
    let (parts, authority, folder) = (Parts::start(&[]).await?, Authority::new()?, TempDir::new()?);
    let file = folder.path().join("authority.pem");
    fs::write(&file, &authority.pem)?;
    let images = Proxy::start_tls(parts.target().images, authority.server).await?;
    let url = format!("https://{}", images.address());
    let mut check = Command::new(program());
    check.args(["health", "--url", &url]);
    let untrusted = check.output().await?;
    let said = String::from_utf8(untrusted.stderr)?;
    ensure!(untrusted.status.code() == Some(1) && said.contains("UnknownIssuer"), "{said}");
    let trusted = check.arg("--upstream-ca").arg(&file).output().await?;
    ensure!(trusted.status.success(), "{}", String::from_utf8_lossy(&trusted.stderr));
    Ok(())
}

/// Given a gateway that does not trust the authority, when it is called, then it responds 503, and its log has the cause.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_an_unknown_authority_is_rejected() -> anyhow::Result<()> {
    let (parts, authority) = (Parts::start(&[]).await?, Authority::new()?);
    let images = Proxy::start_tls(parts.target().images, authority.server).await?;
    let mut gateway = Gateway::start(&format!("https://{}", images.address()))?;
    let listens = gateway.line_with("gateway listens on").await?;
    let address = listens["address"].as_str().context("no address")?.parse()?;

    let response = Target::behind(address)?.new_user().get("/api/images").await?;
    ensure!(response.status == 503 && !response.header("retry-after").is_empty(), "{response:?}");
    ensure!(!response.text("/error").contains("certificate"), "the response reveals the cause: {response:?}");
    let logged = gateway.line_with("UnknownIssuer").await?;
    ensure!(logged["level"] == "ERROR", "{logged}");
    Ok(())
}

/// A gateway whose log the test reads.
struct Gateway {
    _process: Child,
    log: Lines<BufReader<ChildStderr>>,
    _folder: TempDir,
}

impl Gateway {
    fn start(images_url: &str) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        let mut gateway = Command::new(program());
        gateway.args([
            "gateway",
            "--listen",
            "127.0.0.1:0",
            "--jwt-secret",
            SECRET,
            "--images-url",
            images_url,
        ]);
        gateway.arg("--data-dir").arg(folder.path()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = gateway.spawn()?;
        let log = BufReader::new(process.stderr.take().context("no log")?).lines();
        Ok(Self { _process: process, log, _folder: folder })
    }

    /// The next line of its log that contains `text`.
    async fn line_with(&mut self, text: &str) -> anyhow::Result<Value> {
        let found = async {
            while let Some(line) = self.log.next_line().await? {
                if line.contains(text) {
                    return Ok(serde_json::from_str(&line)?);
                }
            }
            anyhow::bail!("the gateway stopped")
        };
        timeout(Duration::from_secs(20), found).await.with_context(|| format!("no line has {text}"))?
    }
}
