//! Where a bridge is.

use std::{fmt, net::IpAddr};

use http::{Uri, uri::Scheme};
use storage_json::BATCH_PATH;

/// The URL of a bridge: `d1+https://HOST`, or `d1+http://` and this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeUrl(Uri);

/// The text is no URL of a bridge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBridgeUrl {
    /// It is something else.
    #[error("`{0}` must be d1+https://HOST, with nothing else")]
    Shape(String),
    /// The secret and the data would travel in the clear.
    #[error(
        "`{0}` must begin with d1+https://: only to this machine (127.0.0.1, [::1], localhost) may it be d1+http://"
    )]
    InTheClear(String),
}

impl BridgeUrl {
    /// Whether `url` is meant to be one.
    #[must_use]
    pub fn is_meant_by(url: &str) -> bool {
        url.starts_with("d1+")
    }

    /// The URL in `text`.
    ///
    /// # Errors
    /// [`InvalidBridgeUrl`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidBridgeUrl> {
        let shape = || InvalidBridgeUrl::Shape(text.to_owned());
        let uri: Uri = text.strip_prefix("d1+").and_then(|url| url.parse().ok()).ok_or_else(shape)?;
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(shape)?;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !text.contains('#');
        match uri.scheme_str() {
            Some("https") if bare => {}
            Some("http") if bare && is_this_machine(authority.host()) => {}
            Some("http") if bare => return Err(InvalidBridgeUrl::InTheClear(text.to_owned())),
            _ => return Err(shape()),
        }
        Ok(Self(uri))
    }

    /// The address of its one route.
    pub(super) fn batch_uri(&self) -> Uri {
        let scheme = self.0.scheme().cloned().unwrap_or(Scheme::HTTPS);
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(BATCH_PATH);
        // All three were part of a URI before.
        uri.build().unwrap_or_default()
    }
}

impl fmt::Display for BridgeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d1+{}", self.0.to_string().trim_end_matches('/'))
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_is_a_host_and_its_route_is_known() {
        for (text, uri) in [
            ("d1+https://bridge.example.com", "https://bridge.example.com/v1/batch"),
            ("d1+https://bridge.example.com:8443/", "https://bridge.example.com:8443/v1/batch"),
            ("d1+http://127.0.0.1:8788", "http://127.0.0.1:8788/v1/batch"),
            ("d1+http://localhost:8788", "http://localhost:8788/v1/batch"),
            ("d1+http://[::1]:8788", "http://[::1]:8788/v1/batch"),
        ] {
            let url = BridgeUrl::parse(text).unwrap();
            assert_eq!(url.batch_uri(), uri);
            assert_eq!(url.to_string(), text.trim_end_matches('/'));
        }
    }

    #[test]
    fn anything_else_is_refused_with_a_sentence_that_quotes_it() {
        for wrong in [
            "d1+",
            "d1+https://",
            "d1+ftp://a",
            "d1+https://a/b",
            "d1+https://a?b=1",
            "d1+https://a#b",
            "d1+https://user:secret@a",
            "https://a",
        ] {
            let refused = BridgeUrl::parse(wrong).unwrap_err();
            assert_eq!(refused, InvalidBridgeUrl::Shape(wrong.to_owned()));
        }
        for wrong in
            ["d1+http://bridge.example.com", "d1+http://10.0.0.1:8788", "d1+http://localhost.example.com"]
        {
            let refused = BridgeUrl::parse(wrong).unwrap_err();
            assert_eq!(refused, InvalidBridgeUrl::InTheClear(wrong.to_owned()));
        }
    }
}
