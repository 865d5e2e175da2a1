//! Connections to parts in other processes.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use crate::settings::{UpstreamTrust, upstream_uri};

/// How long a connection may take to come about, and its TLS as long again.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection may be silent before it is asked whether the other end is still there.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// How long the other end may take to say so. A call over a connection that is dead fails after both, well before its
/// deadline, and the next one makes a new connection.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of one response that may come in ahead of whoever asked for it.
const STREAM_WINDOW: u32 = 128 * 1024;
/// Bytes of all responses of a connection: as much as so many have that nobody reads, so that those never hold up another.
const CONNECTION_WINDOW: u32 = listener::MAX_GATEWAY_STREAMS * STREAM_WINDOW;

/// What all connections to other parts have in common.
pub(crate) struct Upstream {
    tls: ClientTlsConfig,
}

impl Upstream {
    /// Other parts are believed by the certificates that `trust` says.
    pub(crate) fn trusting(trust: &UpstreamTrust) -> anyhow::Result<Self> {
        let tls = ClientTlsConfig::new().timeout(CONNECT_TIMEOUT);
        let tls = match &trust.upstream_ca {
            None => tls.with_webpki_roots(),
            Some(file) => {
                let roots = authorities(file).context("--upstream-ca (RETICLE_UPSTREAM_CA)")?;
                tls.trust_anchors(roots.roots)
            }
        };
        Ok(Self { tls })
    }

    /// A channel to the part at `url`: connects when it is first needed, and again whenever it broke.
    pub(crate) fn channel(&self, setting: &str, url: &str) -> anyhow::Result<Channel> {
        let uri = upstream_uri(setting, url)?;
        let is_secure = uri.scheme_str() == Some("https");
        let mut endpoint = Endpoint::from(uri)
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .tcp_nodelay(true);
        if is_secure {
            endpoint = endpoint
                .tls_config(self.tls.clone())
                .with_context(|| format!("{setting}: TLS for `{url}`"))?;
        }
        Ok(endpoint.connect_lazy())
    }
}

fn authorities(file: &Path) -> anyhow::Result<RootCertStore> {
    let pem = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    certificates(&pem).with_context(|| file.display().to_string())
}

/// All certificates of a PEM text, none of which may be broken.
fn certificates(pem: &[u8]) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.context("this is not PEM")?;
        roots.add(certificate).context("a certificate in it cannot be used")?;
    }
    ensure!(!roots.is_empty(), "there is no certificate in it");
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_good_certificates_is_refused_with_the_reason() {
        for (pem, problem) in [
            ("", "there is no certificate in it"),
            ("a text", "there is no certificate in it"),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "there is no certificate in it",
            ),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n", "this is not PEM"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "a certificate in it cannot be used",
            ),
        ] {
            assert_eq!(certificates(pem.as_bytes()).unwrap_err().to_string(), problem, "{pem}");
        }
    }
}
