//! Who a request comes from: the peer itself, or whoever a trusted proxy says.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering},
};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What a proxy says of the request that it got. From anybody else, it is taken away.
const FORWARDED: [HeaderName; 6] = [
    X_FORWARDED_FOR,
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("forwarded"),
];

/// Whose `X-Forwarded-…` headers a port believes.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Those of peers with these addresses.
    Proxies(Vec<IpNet>),
    /// Everybody's: what a gateway of our own says to a service. A service makes URLs for its caller of it, and no more.
    Everyone,
}

/// The address of a request's client; an extension of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

impl Trust {
    /// Whether `peer` is a proxy of ours.
    pub(crate) fn is_proxy(&self, peer: IpAddr) -> bool {
        match self {
            Self::Proxies(networks) => networks.iter().any(|network| network.contains(&peer.to_canonical())),
            Self::Everyone => false,
        }
    }

    /// Finds the client of a request from `peer`, and takes away what nobody trusted says of it.
    pub(crate) fn client(&self, peer: IpAddr, headers: &mut HeaderMap) -> ClientAddress {
        let peer = peer.to_canonical();
        if matches!(self, Self::Everyone) {
            return ClientAddress(peer);
        }
        if !self.is_proxy(peer) {
            let taken = FORWARDED.iter().filter(|name| headers.remove(*name).is_some()).count();
            if taken > 0 {
                explain_once(peer);
            }
            return ClientAddress(peer);
        }
        ClientAddress(self.forwarded_for(headers).unwrap_or(peer))
    }

    /// The last address in `X-Forwarded-For` that is no proxy of ours: those before it are hearsay.
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

/// An address, with or without the port that some proxies add.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text.parse().or_else(|_| text.parse().map(|socket: std::net::SocketAddr| socket.ip()));
    let address = address.or_else(|_| text.trim_start_matches('[').trim_end_matches(']').parse());
    address.ok().map(|address: IpAddr| address.to_canonical())
}

/// Tells an operator, once, what keeps a proxy from being believed.
fn explain_once(peer: IpAddr) {
    static EXPLAINED: AtomicBool = AtomicBool::new(false);
    if !EXPLAINED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            %peer,
            "X-Forwarded headers of {peer} are ignored. If it is a proxy of yours, name it in --trusted-proxies \
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
        trust.client(peer.parse().unwrap(), headers).0.to_string()
    }

    #[test]
    fn a_stranger_says_nothing_of_itself() {
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
            // Nobody says who it is: the proxy.
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
    fn a_service_believes_its_gateway() {
        let mut headers = headers(&["192.0.2.9"]);
        assert_eq!(client(&Trust::Everyone, "192.0.2.1", &mut headers), "192.0.2.1");
        assert!(headers.contains_key("x-forwarded-proto"));
    }
}
