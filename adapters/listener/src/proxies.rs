//! Determines the client of a request: the peer itself, or the client that a trusted proxy names.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The headers in which a proxy describes the original request. They are removed from the requests of other peers.
const FORWARDED: [HeaderName; 6] = [
    X_FORWARDED_FOR,
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("forwarded"),
];

/// The peers whose `X-Forwarded-…` headers a port trusts.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Peers with these addresses.
    Proxies(Vec<IpNet>),
    /// All peers: for the port of a service, whose peers are gateways. A service uses the headers only to make URLs for its
    /// caller.
    Everyone,
}

/// The address of the client of a request; a request extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl Trust {
    /// Whether `peer` is a trusted proxy.
    pub(crate) fn is_proxy(&self, peer: IpAddr) -> bool {
        match self {
            Self::Proxies(networks) => networks.iter().any(|network| network.contains(&peer.to_canonical())),
            Self::Everyone => false,
        }
    }

    /// Finds the client of a request from `peer`, and removes forwarding headers from an untrusted peer.
    pub(crate) fn find_client(&self, peer: IpAddr, headers: &mut HeaderMap) -> ClientAddress {
        let peer = peer.to_canonical();
        if matches!(self, Self::Everyone) {
            return ClientAddress(peer);
        }
        if !self.is_proxy(peer) {
            let removed = FORWARDED.iter().filter(|name| headers.remove(*name).is_some()).count();
            if removed > 0 {
                warn_once(peer);
            }
            return ClientAddress(peer);
        }
        ClientAddress(self.forwarded_for(headers).unwrap_or(peer))
    }

    /// The last address in `X-Forwarded-For` that is not a trusted proxy. The addresses before it are not trustworthy.
    fn forwarded_for(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let values = headers.get_all(X_FORWARDED_FOR).iter().rev();
        let addresses = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        for text in addresses {
            let address = parse(text.trim())?;
            if !self.is_proxy(address) {
                return Some(address);
            }
        }
        None
    }
}

/// Parses an address, with or without the port that some proxies add.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text.parse().or_else(|_| text.parse().map(|socket: std::net::SocketAddr| socket.ip()));
    let address = address.or_else(|_| text.trim_start_matches('[').trim_end_matches(']').parse());
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// Warns the operator, once per process, that the headers of a peer are ignored.
fn warn_once(peer: IpAddr) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            %peer,
            "X-Forwarded headers of {peer} are ignored. If it is your proxy, add it to --trusted-proxies \
             (RETICLE_TRUSTED_PROXIES)."
        );
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn trust(networks: &[&str]) -> Trust {
        Trust::Proxies(networks.iter().map(|network| network.parse().unwrap()).collect())
    }

    fn headers(forwarded_for: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        for value in forwarded_for {
            headers.append(X_FORWARDED_FOR, HeaderValue::from_static(value));
        }
        headers
    }

    fn client(trust: &Trust, peer: &str, headers: &mut HeaderMap) -> String {
        trust.find_client(peer.parse().unwrap(), headers).0.to_string()
    }

    #[test]
    fn forwarding_headers_of_an_untrusted_peer_are_removed() {
        for trust in [trust(&[]), trust(&["10.0.0.0/8"])] {
            let mut headers = headers(&["192.0.2.9"]);
            assert_eq!(client(&trust, "192.0.2.1", &mut headers), "192.0.2.1");
            assert!(headers.is_empty(), "{headers:?}");
        }
    }

    #[test]
    fn a_trusted_proxy_names_the_client() {
        let trust = trust(&["10.0.0.0/8", "2001:db8::/32"]);
        for (forwarded_for, expected) in [
            (&["192.0.2.9"][..], "192.0.2.9"),
            (&["203.0.113.1, 192.0.2.9"], "192.0.2.9"),
            (&["203.0.113.1", "192.0.2.9, 10.0.0.7"], "192.0.2.9"),
            (&["192.0.2.9:4711"], "192.0.2.9"),
            (&["[2001:db9::1]:4711"], "2001:db9::1"),
            (&["::ffff:192.0.2.9"], "192.0.2.9"),
            // Without a usable header, the client is the proxy.
            (&[], "10.0.0.1"),
            (&["unknown"], "10.0.0.1"),
            (&["10.0.0.2"], "10.0.0.1"),
        ] {
            let mut headers = headers(forwarded_for);
            assert_eq!(client(&trust, "10.0.0.1", &mut headers), expected, "{forwarded_for:?}");
            assert!(headers.contains_key("x-forwarded-proto"));
            assert_eq!(client(&trust, "::ffff:10.0.0.1", &mut headers), expected, "{forwarded_for:?}");
        }
    }

    #[test]
    fn a_service_trusts_the_headers_of_its_gateway() {
        let mut headers = headers(&["192.0.2.9"]);
        assert_eq!(client(&Trust::Everyone, "192.0.2.1", &mut headers), "192.0.2.1");
        assert!(headers.contains_key("x-forwarded-proto"));
    }
}
