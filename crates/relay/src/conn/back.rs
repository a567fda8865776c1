//! Where a member can be dialled back: at the address that it comes from, and nowhere else.

use std::net::SocketAddr;

use chatspot_protocol::address::Address;
use chatspot_protocol::limits::RELAY_PORTS;
use chatspot_protocol::room::{Caller, Place};

/// The address of a peer with the port that it asked for, if another member may be sent there. Nobody is sent out of the
/// relay's own networks, to this computer itself, or to a port where no relay is looked for; pages host nothing.
pub(super) fn address(
    peer: SocketAddr,
    place: Place,
    caller: Caller,
    port: u16,
) -> Option<Address> {
    let ip = peer.ip().to_canonical();
    let fits = place == Place::Local
        && caller == Caller::App
        && !ip.is_loopback()
        && RELAY_PORTS.contains(&port);
    // Without a zone: it means something on this computer only.
    fits.then(|| Address {
        host: ip.to_string(),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// **G6**
    #[test]
    fn a_member_is_dialled_back_where_it_comes_from_and_only_nearby() {
        let at = |peer: &str, place, caller, port| {
            address(peer.parse().unwrap(), place, caller, port).map(|found| found.to_string())
        };
        let near = |peer, port| at(peer, Place::Local, Caller::App, port);
        let there = "192.168.1.5:50000";
        assert_eq!(near(there, 4470).as_deref(), Some("192.168.1.5:4470"));
        assert_eq!(near(there, 4489).as_deref(), Some("192.168.1.5:4489"));
        assert_eq!(
            near("[::ffff:192.168.1.5]:50000", 4470).as_deref(),
            Some("192.168.1.5:4470")
        );
        assert_eq!(
            near("[fe80::5%3]:50000", 4470).as_deref(),
            Some("[fe80::5]:4470")
        );
        for port in [0, 22, 443, 1024, 4469, 4490, 8080] {
            assert_eq!(near(there, port), None, "{port}");
        }
        for loopback in [
            "127.0.0.1:1",
            "127.8.8.8:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert_eq!(near(loopback, 4470), None, "{loopback}");
        }
        assert_eq!(at(there, Place::Remote, Caller::App, 4470), None);
        assert_eq!(at(there, Place::Local, Caller::Page, 4470), None);
    }
}
