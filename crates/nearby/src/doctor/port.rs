//! Whether the rooms that are hosted here answer at this computer's own addresses.

use std::net::{IpAddr, Ipv4Addr};

use chatspot_protocol::limits::{DEFAULT_PORT, DOCTOR_PEERS};
use chatspot_protocol::view::{AddressKind, Finding, Level, PortState, Symptom};
use futures_util::future::join_all;

use super::firewall::place;
use super::system::{Reach, System, at};
use crate::networks::Network;

pub(super) async fn look(
    system: &impl System,
    networks: &[Network],
    hosting: Option<u16>,
) -> Finding {
    let Some(port) = hosting else {
        return found(Level::Note, PortState::NotHosting);
    };
    let mut own: Vec<&Network> = networks
        .iter()
        .filter(|network| network.kind != AddressKind::Loopback)
        .collect();
    own.sort_by_key(|network| place(network.kind));
    let mut addresses: Vec<_> = own
        .into_iter()
        .map(|network| at(network.ip, port, network.index))
        .take(DOCTOR_PEERS)
        .collect();
    if addresses.is_empty() {
        addresses.push((IpAddr::from(Ipv4Addr::LOCALHOST), port).into());
    }
    let reached = join_all(addresses.iter().map(|address| system.reach(*address))).await;
    if reached.contains(&Reach::Open) {
        let usual = port == DEFAULT_PORT;
        let level = if usual { Level::Good } else { Level::Note };
        found(level, PortState::Open { port, usual })
    } else {
        found(Level::Bad, PortState::Closed { port })
    }
}

fn found(level: Level, port: PortState) -> Finding {
    Finding {
        level,
        what: Symptom::Port { port },
    }
}
