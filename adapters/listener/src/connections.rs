//! Counts the open connections of a process, in total and per client address.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::Limits;

/// One in this many slots is reserved for addresses with few connections, so that a few greedy addresses cannot lock out a
/// health check or a new user.
const RESERVED_SHARE: usize = 8;
/// Below this many connections, an address may use reserved slots: enough for a browser or a health check.
const FEW_CONNECTIONS: usize = 8;

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

/// Which limit rejects a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitReached {
    /// The limit of one address.
    Address,
    /// The limit of the process: no slot is free, or only reserved ones.
    Total,
}

impl Connections {
    /// Counts up to the limits of connections in `limits`.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let max = limits.max_connections.get();
        let max_per_address = limits.max_connections_per_address.get().min(max);
        Self(Arc::new(Counts { max, max_per_address, open: Mutex::default() }))
    }

    /// Reserves a slot for a connection from `address`. Dropping the slot frees it.
    ///
    /// # Errors
    /// A limit is reached.
    pub(crate) fn acquire(&self, address: IpAddr) -> Result<Slot, LimitReached> {
        self.acquire_slot(address, self.0.max_per_address)
    }

    /// Reserves a slot for a connection from a proxy. The limit of one address does not apply, because a proxy has the
    /// connections of all its clients.
    ///
    /// # Errors
    /// No slot of the process is free, or only reserved ones.
    pub(crate) fn acquire_for_proxy(&self, address: IpAddr) -> Result<Slot, LimitReached> {
        self.acquire_slot(address, self.0.max)
    }

    fn acquire_slot(&self, address: IpAddr, max_per_address: usize) -> Result<Slot, LimitReached> {
        let key = client_key(address);
        let mut open = self.open();
        let of_address = open.by_address.get(&key).copied().unwrap_or_default();
        let reserved = if of_address < FEW_CONNECTIONS { 0 } else { self.0.max / RESERVED_SHARE };
        if open.total.saturating_add(reserved) >= self.0.max {
            return Err(LimitReached::Total);
        }
        if of_address >= max_per_address {
            return Err(LimitReached::Address);
        }
        open.total += 1;
        open.by_address.insert(key, of_address + 1);
        drop(open);
        Ok(Slot { connections: self.clone(), key })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slot of one open connection.
#[derive(Debug)]
pub(crate) struct Slot {
    connections: Connections,
    key: IpAddr,
}

impl Drop for Slot {
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

/// The key that a client is counted by: its IPv4 address, or its /64 network for IPv6.
fn client_key(address: IpAddr) -> IpAddr {
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

    fn acquire(connections: &Connections, count: usize, of: &str) -> Result<Vec<Slot>, LimitReached> {
        (0..count).map(|_| connections.acquire(address(of))).collect()
    }

    #[test]
    fn an_address_has_a_limit_and_closed_connections_free_their_slots() {
        let connections = connections(1000, 20);
        let slots = acquire(&connections, 20, "192.0.2.1").unwrap();
        assert_eq!(connections.acquire(address("192.0.2.1")).unwrap_err(), LimitReached::Address);
        assert_eq!(connections.acquire(address("::ffff:192.0.2.1")).unwrap_err(), LimitReached::Address);
        assert!(connections.acquire(address("192.0.2.2")).is_ok());
        drop(slots);
        assert!(acquire(&connections, 20, "192.0.2.1").is_ok());
        assert_eq!(connections.open().total, 0);
        assert!(connections.open().by_address.is_empty());
    }

    #[test]
    fn the_limit_of_one_address_does_not_apply_to_a_proxy() {
        let connections = connections(1000, 20);
        let proxy = address("192.0.2.1");
        let _slots: Vec<_> = (0..100).map(|_| connections.acquire_for_proxy(proxy).unwrap()).collect();
        assert_eq!(connections.acquire(proxy).unwrap_err(), LimitReached::Address);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_as_one() {
        let connections = connections(1000, 20);
        let _slots: Vec<_> =
            (0..20).map(|n| connections.acquire(address(&format!("2001:db8::{n}"))).unwrap()).collect();
        assert_eq!(connections.acquire(address("2001:db8::ffff")).unwrap_err(), LimitReached::Address);
        assert!(connections.acquire(address("2001:db8:0:1::1")).is_ok());
    }

    #[test]
    fn the_last_slots_are_reserved_for_addresses_with_few_connections() {
        let connections = connections(80, 1000);
        let _greedy = acquire(&connections, 70, "192.0.2.1").unwrap();
        assert_eq!(connections.acquire(address("192.0.2.1")).unwrap_err(), LimitReached::Total);
        let _new = acquire(&connections, 8, "192.0.2.2").unwrap();
        assert_eq!(connections.acquire(address("192.0.2.2")).unwrap_err(), LimitReached::Total);
        let _last = acquire(&connections, 2, "192.0.2.3").unwrap();
        assert_eq!(connections.acquire(address("192.0.2.4")).unwrap_err(), LimitReached::Total);
    }
}
