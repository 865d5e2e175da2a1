//! The trusted proxies.

use std::net::IpAddr;

use listener::{IpNet, Trust};

/// The addresses and networks of trusted proxies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Proxies(Vec<IpNet>);

impl Proxies {
    /// Parses text such as `127.0.0.1,10.0.0.0/8`. Empty text means no proxies, as in a compose file whose variable is not set.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(network).collect::<Result<_, _>>().map(Self)
    }
}

impl From<Proxies> for Trust {
    fn from(Proxies(networks): Proxies) -> Self {
        Self::Proxies(networks)
    }
}

/// Parses a network, or an address as a network of one address.
fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse().map(|address: IpAddr| IpNet::from(address.to_canonical()));
    text.parse()
        .or_else(|_| address())
        .map_err(|_| format!("`{text}` is not an IP address or a network, as in 127.0.0.1 or 10.0.0.0/8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_addresses_and_networks() {
        let Proxies(networks) =
            Proxies::parse("127.0.0.1, 10.0.0.0/8,::ffff:192.0.2.1,2001:db8::/32").unwrap();
        let texts: Vec<_> = networks.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["127.0.0.1/32", "10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]);
        assert_eq!(Proxies::parse(""), Ok(Proxies(Vec::new())));
        for wrong in ["somebody", "10.0.0.0/33", "10.0.0.1;10.0.0.2", "*"] {
            assert!(Proxies::parse(wrong).is_err(), "{wrong}");
        }
    }
}
