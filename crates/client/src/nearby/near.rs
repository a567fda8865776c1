//! Which addresses may be dialled without anybody's asking for it. Nobody makes this computer call somebody in the
//! internet, ask a server of names, or knock at other services, by saying that a room is there.

use std::net::IpAddr;

use chatspot_nearby::networks::Networks;
use chatspot_nearby::rank;
use chatspot_protocol::address::Address;
use chatspot_protocol::limits::{DEFAULT_PORT, PORT_TRIES};

/// Where an address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// It is where a datagram came from.
    Sender,
    /// Somebody named it.
    Named,
    /// A room was joined there before.
    Remembered,
}

/// The lowest port that systems give out: below are their services, which no relay of a person is among.
const HIGH_PORT: u16 = 1_024;

impl Source {
    /// Whether a relay is expected at this port. A host takes one of the first that are free, and else what the system
    /// gives, which only the host itself is believed; where a room was joined, somebody chose the port.
    fn takes(self, port: u16) -> bool {
        match self {
            Self::Sender => port >= HIGH_PORT,
            Self::Named => (DEFAULT_PORT..DEFAULT_PORT + PORT_TRIES).contains(&port),
            Self::Remembered => true,
        }
    }
}

/// Those that are in the own networks or private ones, best first.
pub(super) fn near(addresses: &[Address], networks: &Networks, source: Source) -> Vec<Address> {
    let mut near = rank(addresses, networks);
    near.retain(|address| {
        source.takes(address.port)
            && ip(address).is_some_and(|ip| match ip {
                ip if ip.is_loopback() => match source {
                    Source::Sender | Source::Remembered => true,
                    Source::Named => false,
                },
                ip if networks.same_subnet(ip).is_some() => true,
                // 100.64.0.0/10 is what carriers and some VPNs use (RFC 6598).
                IpAddr::V4(v4) => {
                    let shared = v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64;
                    v4.is_private() || v4.is_link_local() || shared
                }
                IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unique_local(),
            })
    });
    near
}

/// The number that an address is, without its zone.
pub(super) fn ip(address: &Address) -> Option<IpAddr> {
    let host = address.host.split('%').next().unwrap_or_default();
    host.parse().ok()
}
