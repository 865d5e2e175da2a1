//! The URL of a bridge.

use std::{fmt, net::IpAddr};

use http::{Uri, uri::Scheme};
use storage_json::BATCH_PATH;

/// The URL of a bridge: `d1+https://HOST`, or `d1+http://HOST` if the host is this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeUrl(Uri);

/// The text is not a valid [`BridgeUrl`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBridgeUrl {
    /// It does not have the form of such a URL.
    #[error("`{0}` must have the form d1+https://HOST, without user name, path, query or fragment")]
    Shape(String),
    /// The secret and the data would not be encrypted on the network.
    #[error(
        "`{0}` must begin with d1+https://; d1+http:// is allowed only for this machine (127.0.0.1, [::1], localhost)"
    )]
    NotEncrypted(String),
}

impl BridgeUrl {
    /// Whether `url` begins with the scheme of bridge URLs (`d1+`). It may still be invalid.
    #[must_use]
    pub fn has_bridge_scheme(url: &str) -> bool {
        url.starts_with("d1+")
    }

    /// Parses `text`.
    ///
    /// # Errors
    /// [`InvalidBridgeUrl`] states what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidBridgeUrl> {
        let shape = || InvalidBridgeUrl::Shape(text.to_owned());
        let uri: Uri = text.strip_prefix("d1+").and_then(|url| url.parse().ok()).ok_or_else(shape)?;
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(shape)?;
        let bare = matches!(uri.path(), "" | "/") && uri.query().is_none() && !text.contains('#');
        match uri.scheme_str() {
            Some("https") if bare => {}
            Some("http") if bare && is_this_machine(authority.host()) => {}
            Some("http") if bare => return Err(InvalidBridgeUrl::NotEncrypted(text.to_owned())),
            _ => return Err(shape()),
        }
        Ok(Self(uri))
    }

    /// The address of the bridge's only route.
    pub(super) fn batch_uri(&self) -> Uri {
        let scheme = self.0.scheme().cloned().unwrap_or(Scheme::HTTPS);
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(BATCH_PATH);
        // Never fails: all three parts come from a valid URI.
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
    fn a_bridge_url_has_a_host_and_a_fixed_route() {
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
    fn an_invalid_url_is_rejected_and_quoted_in_the_error() {
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
            let error = BridgeUrl::parse(wrong).unwrap_err();
            assert_eq!(error, InvalidBridgeUrl::Shape(wrong.to_owned()));
        }
        for wrong in
            ["d1+http://bridge.example.com", "d1+http://10.0.0.1:8788", "d1+http://localhost.example.com"]
        {
            let error = BridgeUrl::parse(wrong).unwrap_err();
            assert_eq!(error, InvalidBridgeUrl::NotEncrypted(wrong.to_owned()));
        }
    }
}
