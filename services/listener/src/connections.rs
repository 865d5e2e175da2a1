//! The open connections of a process, counted in all and for each client address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::Limits;

/// The share of the places, one in so many, that is kept for addresses with few connections: whatever a few addresses do,
/// a health check or a new user finds a place.
const KEPT_SHARE: usize = 8;
/// As many connections are few: a browser's, and a health check's.
const FEW: usize = 8;

/// Counts the open connections of all ports of a process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Connections(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    max: usize,
    max_per_address: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Why a connection is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The address has as many as one address may have.
    Address,
    /// There are as many as there may be.
    Total,
}

impl Connections {
    /// Counts up to the maxima of `limits`.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let max = limits.max_connections.get();
        let max_per_address = limits.max_connections_per_address.get().min(max);
        Self(Arc::new(Counts { max, max_per_address, open: Mutex::default() }))
    }

    /// A place for a connection from `address`, which is free again when the place is dropped.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn admit(&self, address: IpAddr) -> Result<Place, Full> {
        self.place(address, self.0.max_per_address)
    }

    /// A place for a connection from a proxy, which has those of all its clients.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn admit_proxy(&self, address: IpAddr) -> Result<Place, Full> {
        self.place(address, self.0.max)
    }

    fn place(&self, address: IpAddr, max_per_address: usize) -> Result<Place, Full> {
        let key = one_client(address);
        let mut open = self.open();
        let of_address = open.by_address.get(&key).copied().unwrap_or_default();
        let kept = if of_address < FEW { 0 } else { self.0.max / KEPT_SHARE };
        if open.total.saturating_add(kept) >= self.0.max {
            return Err(Full::Total);
        }
        if of_address >= max_per_address {
            return Err(Full::Address);
        }
        open.total += 1;
        open.by_address.insert(key, of_address + 1);
        drop(open);
        Ok(Place { connections: self.clone(), key })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection.
#[derive(Debug)]
pub(crate) struct Place {
    connections: Connections,
    key: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open();
        open.total = open.total.saturating_sub(1);
        if let Some(count) = open.by_address.get_mut(&self.key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.by_address.remove(&self.key);
            }
        }
    }
}

/// What counts as one client: an IPv4 address, or the /64 network that an IPv6 client has to itself.
fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use super::*;

    fn connections(max: usize, max_per_address: usize) -> Connections {
        Connections::new(&Limits {
            max_connections: NonZeroUsize::new(max).unwrap(),
            max_connections_per_address: NonZeroUsize::new(max_per_address).unwrap(),
            ..Limits::default()
        })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn admit(connections: &Connections, count: usize, of: &str) -> Result<Vec<Place>, Full> {
        (0..count).map(|_| connections.admit(address(of))).collect()
    }

    #[test]
    fn an_address_has_its_limit_and_gets_its_places_back() {
        let connections = connections(1000, 20);
        let places = admit(&connections, 20, "192.0.2.1").unwrap();
        assert_eq!(connections.admit(address("192.0.2.1")).unwrap_err(), Full::Address);
        assert_eq!(connections.admit(address("::ffff:192.0.2.1")).unwrap_err(), Full::Address);
        assert!(connections.admit(address("192.0.2.2")).is_ok());
        drop(places);
        assert!(admit(&connections, 20, "192.0.2.1").is_ok());
        assert_eq!(connections.open().total, 0);
        assert!(connections.open().by_address.is_empty());
    }

    #[test]
    fn a_proxy_has_the_connections_of_many() {
        let connections = connections(1000, 20);
        let proxy = address("192.0.2.1");
        let _places: Vec<_> = (0..100).map(|_| connections.admit_proxy(proxy).unwrap()).collect();
        assert_eq!(connections.admit(proxy).unwrap_err(), Full::Address);
    }

    #[test]
    fn the_addresses_of_one_network_count_as_one() {
        let connections = connections(1000, 20);
        let _places: Vec<_> =
            (0..20).map(|n| connections.admit(address(&format!("2001:db8::{n}"))).unwrap()).collect();
        assert_eq!(connections.admit(address("2001:db8::ffff")).unwrap_err(), Full::Address);
        assert!(connections.admit(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn the_last_places_are_for_addresses_with_few_connections() {
        let connections = connections(80, 1000);
        let _greedy = admit(&connections, 70, "192.0.2.1").unwrap();
        assert_eq!(connections.admit(address("192.0.2.1")).unwrap_err(), Full::Total);
        let _new = admit(&connections, 8, "192.0.2.2").unwrap();
        assert_eq!(connections.admit(address("192.0.2.2")).unwrap_err(), Full::Total);
        let _last = admit(&connections, 2, "192.0.2.3").unwrap();
        assert_eq!(connections.admit(address("192.0.2.4")).unwrap_err(), Full::Total);
    }
}
