//! Connections to parts in other processes.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};

use crate::settings::{UpstreamTrust, upstream_uri};

/// The timeout for a connection, and again for its TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// After this time without traffic, a ping checks whether the peer still responds.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);
/// The timeout for the response to a ping. A call over a broken connection fails after both times, well before its deadline,
/// and the next call opens a new connection.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The flow-control window of one response, in bytes: how much may be buffered before its caller reads it.
const STREAM_WINDOW: u32 = 128 * 1024;
/// The flow-control window of all responses of a connection: large enough that responses that are not read never block others.
const CONNECTION_WINDOW: u32 = listener::MAX_GATEWAY_STREAMS * STREAM_WINDOW;

/// The TLS settings that all connections to other parts share.
pub(crate) struct Upstream {
    tls: ClientTlsConfig,
}

impl Upstream {
    /// Reads the certificate authorities in `trust`.
    pub(crate) fn new(trust: &UpstreamTrust) -> anyhow::Result<Self> {
        let tls = ClientTlsConfig::new().timeout(CONNECT_TIMEOUT);
        let tls = match &trust.upstream_ca {
            None => tls.with_webpki_roots(),
            Some(file) => {
                let roots = read_authorities(file).context("--upstream-ca (RETICLE_UPSTREAM_CA)")?;
                tls.trust_anchors(roots.roots)
            }
        };
        Ok(Self { tls })
    }

    /// A channel to the part at `url`. It connects on first use, and reconnects after the connection breaks.
    pub(crate) fn channel(&self, setting: &str, url: &str) -> anyhow::Result<Channel> {
        Ok(self.endpoint(setting, url)?.connect_lazy())
    }

    /// The part at `url`, to which nothing is connected yet.
    pub(crate) fn endpoint(&self, setting: &str, url: &str) -> anyhow::Result<Endpoint> {
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
                .with_context(|| format!("{setting}: cannot set up TLS for `{url}`"))?;
        }
        Ok(endpoint)
    }
}

fn read_authorities(file: &Path) -> anyhow::Result<RootCertStore> {
    let pem = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    parse_certificates(&pem).with_context(|| file.display().to_string())
}

/// Parses all certificates of a PEM text. Each must be valid, and there must be at least one.
fn parse_certificates(pem: &[u8]) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.context("it is not valid PEM")?;
        roots.add(certificate).context("it contains an invalid certificate")?;
    }
    ensure!(!roots.is_empty(), "it contains no certificate");
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_without_valid_certificates_is_rejected_with_the_reason() {
        for (pem, problem) in [
            ("", "it contains no certificate"),
            ("a text", "it contains no certificate"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "it contains no certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n", "it is not valid PEM"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "it contains an invalid certificate",
            ),
        ] {
            assert_eq!(parse_certificates(pem.as_bytes()).unwrap_err().to_string(), problem, "{pem}");
        }
    }
}
