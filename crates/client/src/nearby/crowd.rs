//! Who calls out how many of the rooms: whoever has the most loses first when there is no room for all.

use std::collections::HashMap;
use std::net::IpAddr;

use chatspot_protocol::address::Address;

use super::near::ip;

/// Rooms at the addresses of one network that a computer chooses from by itself, and at one address. IPv4 addresses are
/// few, and each is a network of its own here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Crowd {
    pub(super) network: usize,
    pub(super) address: usize,
}

/// See the head of this file.
#[derive(Debug, Default)]
pub(super) struct Crowds {
    networks: HashMap<String, usize>,
    hosts: HashMap<String, usize>,
}

impl Crowds {
    /// Of rooms that are at these addresses.
    pub(super) fn of<'a, A: Iterator<Item = &'a Address>>(rooms: impl Iterator<Item = A>) -> Self {
        let mut crowds = Self::default();
        for addresses in rooms {
            let mut counted: Vec<(String, String)> = Vec::new();
            for address in addresses {
                let (network, host) = (network(address), address.host.clone());
                // A room counts once, at however many ports.
                if counted.iter().all(|(other, _)| *other != network) {
                    *crowds.networks.entry(network.clone()).or_default() += 1;
                }
                if counted.iter().all(|(_, other)| *other != host) {
                    *crowds.hosts.entry(host.clone()).or_default() += 1;
                }
                counted.push((network, host));
            }
        }
        crowds
    }

    /// Those at that address.
    pub(super) fn at(&self, address: &Address) -> Crowd {
        let count = |of: &HashMap<String, usize>, key| of.get(key).copied().unwrap_or(0);
        Crowd {
            network: count(&self.networks, &network(address)),
            address: count(&self.hosts, &address.host),
        }
    }
}

/// The /64 of an IPv6 address, with the interface where it is one of a single cable; other addresses themselves.
pub(super) fn network(address: &Address) -> String {
    match ip(address) {
        Some(IpAddr::V6(v6)) => {
            let zone = address.host.split_once('%').map_or("", |(_, zone)| zone);
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::%{zone}")
        }
        Some(IpAddr::V4(_)) | None => address.host.clone(),
    }
}
