//! What has to come in for rooms to be found and joined.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chatspot_protocol::limits::{
    BEACON_GROUP_V4, BEACON_GROUP_V6, BEACON_PORT, DEFAULT_PORT, MDNS_PORT,
};
use chatspot_protocol::view::{AddressKind, Level};

use crate::networks::Network;

/// The groups of mDNS (RFC 6762, section 3).
pub(super) const MDNS_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
pub(super) const MDNS_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

/// What a firewall is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::doctor) enum Door {
    /// Connections to the rooms that are hosted here.
    Rooms,
    /// Beacons.
    Beacons,
    /// mDNS.
    Mdns,
}

impl Door {
    pub(super) const ALL: [Self; 3] = [Self::Rooms, Self::Beacons, Self::Mdns];

    /// The port, where rooms are hosted at `rooms`.
    pub(super) fn port(self, rooms: u16) -> u16 {
        match self {
            Self::Rooms => rooms,
            Self::Beacons => BEACON_PORT,
            Self::Mdns => MDNS_PORT,
        }
    }

    pub(super) fn protocol(self) -> &'static str {
        match self {
            Self::Rooms => "tcp",
            Self::Beacons | Self::Mdns => "udp",
        }
    }
}

/// Whether a door is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doctor) enum Passes {
    Yes,
    No,
    Unsure,
}

/// Where it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scene {
    /// The interface that leads to others.
    pub(super) interface: String,
    /// This computer's address there.
    pub(super) here: IpAddr,
    /// Somebody else's.
    pub(super) there: IpAddr,
    /// The port of the rooms that are hosted here, or would be.
    pub(super) rooms: u16,
}

impl Scene {
    /// The network that others are most likely in; none where this computer is in none.
    pub(super) fn of(networks: &[Network], hosting: Option<u16>) -> Option<Self> {
        let best = networks
            .iter()
            .filter(|network| network.kind != AddressKind::Loopback)
            .min_by_key(|network| (place(network.kind), network.ip.is_ipv6()))?;
        Some(Self {
            interface: best.interface.clone(),
            here: best.ip,
            there: neighbour(best.ip),
            rooms: hosting.unwrap_or(DEFAULT_PORT),
        })
    }

    /// The first packet of somebody who wants through this door.
    pub(super) fn packet(&self, door: Door) -> Packet<'_> {
        let group = match (door, self.here) {
            (Door::Rooms, here) => here,
            (Door::Beacons, IpAddr::V4(_)) => BEACON_GROUP_V4.into(),
            (Door::Beacons, IpAddr::V6(_)) => BEACON_GROUP_V6.into(),
            (Door::Mdns, IpAddr::V4(_)) => MDNS_V4.into(),
            (Door::Mdns, IpAddr::V6(_)) => MDNS_V6.into(),
        };
        Packet {
            interface: &self.interface,
            from: self.there,
            to: group,
            protocol: door.protocol(),
            port: door.port(self.rooms),
        }
    }
}

/// One packet that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) interface: &'a str,
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    pub(super) protocol: &'static str,
    pub(super) port: u16,
}

/// Which kinds of networks lead to others, the best first.
pub(in crate::doctor) fn place(kind: AddressKind) -> u8 {
    match kind {
        AddressKind::Lan => 0,
        AddressKind::Public => 1,
        AddressKind::LinkLocal => 2,
        AddressKind::Vpn => 3,
        AddressKind::Virtual => 4,
        AddressKind::Loopback => 5,
    }
}

/// Another address of the same network, whatever its size: its last bit is the other one.
pub(in crate::doctor) fn neighbour(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() ^ 1).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() ^ 1).into(),
    }
}

/// How bad it is that some doors are closed: who hosts needs that others come in, everybody needs one way to hear of rooms.
pub(super) fn level(shut: &[Door], hosting: Option<u16>) -> Level {
    let deaf = shut.contains(&Door::Beacons) && shut.contains(&Door::Mdns);
    if deaf || (hosting.is_some() && shut.contains(&Door::Rooms)) {
        Level::Bad
    } else if shut.is_empty() {
        Level::Good
    } else {
        Level::Doubtful
    }
}
