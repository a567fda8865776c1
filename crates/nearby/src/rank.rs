//! In which order the addresses of a room are dialled.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use chatspot_protocol::address::Address;
use chatspot_protocol::limits::RANKED_ADDRESSES;
use chatspot_protocol::view::AddressKind;

use crate::addresses;
use crate::networks::{Network, Networks};

/// For what a network of IPv6 counts among those of IPv4: all of them have /64, however many are in them.
const PREFIX_OF_V6: u8 = 24;

/// How likely it is that a room is reached there, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    /// In a network of a real adapter of this computer; the smaller the network, the surer.
    Near(Reverse<u8>),
    /// A private address elsewhere.
    Lan,
    /// A name, whatever it stands for.
    Name,
    /// A public address.
    Public,
    /// Through a VPN, or a range that the hosts of containers and machines use.
    Overlay,
    /// On one cable only.
    LinkLocal,
    /// This computer.
    Loopback,
    /// An address that this computer has on a bridge or a VPN, and another one most likely as well: `172.17.0.1` is here
    /// and there.
    Own,
}

impl Tier {
    /// Families take turns among equals (RFC 8305, section 4): a network that swallows one of them costs one attempt.
    fn equals(self) -> u8 {
        match self {
            Tier::Near(_) => 0,
            Tier::Lan | Tier::Name | Tier::Public => 1,
            Tier::Overlay => 2,
            Tier::LinkLocal => 3,
            Tier::Loopback => 4,
            Tier::Own => 5,
        }
    }
}

struct Candidate {
    tier: Tier,
    v6: bool,
    address: Address,
}

/// The addresses as they are best tried one after the other: those in the own networks first, then other private ones,
/// names and public ones, and last what only leads somewhere on the computer that named it. Among equals the order
/// given is kept, and the families take turns. A link-local address of IPv6 without a zone that is known here stands
/// once for each real interface. What cannot be dialled is left out, and each address is there once. At most
/// [`RANKED_ADDRESSES`].
pub fn rank(addresses: &[Address], networks: &Networks) -> Vec<Address> {
    let mut seen = HashSet::new();
    let mut candidates: Vec<Candidate> = addresses
        .iter()
        // Whoever sent more than this wants to keep us busy.
        .take(4 * RANKED_ADDRESSES)
        .flat_map(|address| candidates(address, networks))
        .filter(|candidate| seen.insert(candidate.address.clone()))
        .collect();
    candidates.sort_by_key(|candidate| candidate.tier);
    let mut ranked: Vec<Address> = candidates
        .chunk_by(|a, b| a.tier.equals() == b.tier.equals())
        .flat_map(take_turns)
        .collect();
    ranked.truncate(RANKED_ADDRESSES);
    ranked
}

/// What one address stands for: nothing, itself, or one for each interface.
fn candidates(address: &Address, networks: &Networks) -> Vec<Candidate> {
    if address.port == 0 || address.host.is_empty() {
        return Vec::new();
    }
    let (host, zone) = match address.host.split_once('%') {
        Some((host, zone)) => (host, Some(zone)),
        None => (address.host.as_str(), None),
    };
    let Ok(ip) = host.parse::<IpAddr>() else {
        let host = address.host.trim_end_matches('.').to_ascii_lowercase();
        let tier = if host == "localhost" {
            Tier::Loopback
        } else {
            Tier::Name
        };
        return vec![candidate(tier, false, host, address.port)];
    };
    let ip = ip.to_canonical();
    if ip.is_unspecified() || ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Vec::new();
    }
    if let IpAddr::V6(v6) = ip
        && v6.is_unicast_link_local()
    {
        return scoped(v6, zone, address.port, networks);
    }
    let tier = tier(ip, networks);
    vec![candidate(tier, ip.is_ipv6(), ip.to_string(), address.port)]
}

fn candidate(tier: Tier, v6: bool, host: String, port: u16) -> Candidate {
    let address = Address { host, port };
    Candidate { tier, v6, address }
}

/// With the zone that it came with if it is one of ours: it was heard there. Else with each that it may be in.
fn scoped(ip: Ipv6Addr, zone: Option<&str>, port: u16, networks: &Networks) -> Vec<Candidate> {
    let here = |network: &&Network| {
        zone.is_some_and(|zone| network.interface == zone || network.index.to_string() == zone)
    };
    let zones: Vec<String> = match networks.0.iter().find(here) {
        Some(network) => vec![network.zone()],
        None => networks
            .0
            .iter()
            .filter(|network| network.is_real() && network.is_scoped())
            .map(Network::zone)
            .collect(),
    };
    zones
        .into_iter()
        .map(|zone| candidate(Tier::LinkLocal, true, format!("{ip}%{zone}"), port))
        .collect()
}

fn tier(ip: IpAddr, networks: &Networks) -> Tier {
    if ip.is_loopback() {
        return Tier::Loopback;
    }
    if matches!(ip, IpAddr::V4(v4) if v4.is_link_local()) {
        return Tier::LinkLocal;
    }
    let near = networks
        .0
        .iter()
        .filter(|network| network.is_real() && network.holds(ip))
        .map(|network| match network.ip {
            IpAddr::V4(_) => network.prefix,
            IpAddr::V6(_) => PREFIX_OF_V6,
        })
        .max();
    if let Some(prefix) = near {
        return Tier::Near(Reverse(prefix));
    }
    if networks.0.iter().any(|network| network.ip == ip) {
        return Tier::Own;
    }
    if networks.same_subnet(ip).is_some() || is_of_overlays(ip) {
        return Tier::Overlay;
    }
    match addresses::kind("", ip) {
        AddressKind::Lan => Tier::Lan,
        AddressKind::Public
        | AddressKind::Vpn
        | AddressKind::Virtual
        | AddressKind::LinkLocal
        | AddressKind::Loopback => Tier::Public,
    }
}

/// Ranges that mean a VPN or this computer's own machines nearly wherever they are seen: carriers and Tailscale
/// (100.64.0.0/10), and what Docker, libvirt and `VirtualBox` take if nobody says otherwise.
fn is_of_overlays(ip: IpAddr) -> bool {
    let IpAddr::V4(v4) = ip else {
        return false;
    };
    match v4.octets() {
        [100, second, ..] => second & 0xc0 == 64,
        [172, 17, ..] | [192, 168, 122 | 56, _] => true,
        _ => false,
    }
}

/// The families by turns, that of the first address first.
fn take_turns(equals: &[Candidate]) -> Vec<Address> {
    let first = equals.first().is_some_and(|candidate| candidate.v6);
    let of = |v6: bool| equals.iter().filter(move |candidate| candidate.v6 == v6);
    let (mut same, mut other) = (of(first), of(!first));
    let mut turns = Vec::with_capacity(equals.len());
    loop {
        let pair = (same.next(), other.next());
        turns.extend(
            [pair.0, pair.1]
                .into_iter()
                .flatten()
                .map(|c| c.address.clone()),
        );
        if pair.0.is_none() && pair.1.is_none() {
            return turns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::tests::networks;

    #[track_caller]
    fn check(here: &[&str], given: &[&str], ranked: &[&str]) {
        let address = |text: &&str| -> Address { text.parse().unwrap() };
        let given: Vec<Address> = given.iter().map(address).collect();
        let ranked: Vec<Address> = ranked.iter().map(address).collect();
        assert_eq!(rank(&given, &networks(here)), ranked);
    }

    const LAPTOP: &[&str] = &[
        "docker0 172.17.0.1/16",
        "eth0 192.168.1.5/24",
        "eth0 fd00::5/64",
        "eth0 fe80::5/64",
        "lo 127.0.0.1/8",
        "tun0 10.8.0.2/24",
        "veth0 fe80::77/64",
        "wlan0 10.0.0.5/8",
        "wlan0 fe80::6/64",
    ];

    #[test]
    fn the_own_network_comes_first_and_what_leads_nowhere_last() {
        check(
            LAPTOP,
            &[
                "172.17.0.1",
                "127.0.0.1",
                "169.254.1.1",
                "172.17.0.9",
                "100.101.1.1",
                "198.51.100.7",
                "lab-pc.local",
                "172.20.1.1",
                "10.1.2.3",
                "192.168.1.9",
            ],
            &[
                "192.168.1.9",
                "10.1.2.3",
                "172.20.1.1",
                "lab-pc.local",
                "198.51.100.7",
                "172.17.0.9",
                "100.101.1.1",
                "169.254.1.1",
                "127.0.0.1",
                "172.17.0.1",
            ],
        );
    }

    #[test]
    fn a_vpn_comes_after_public_addresses() {
        let here = ["tun0 10.8.0.2/24", "wlan0 192.168.1.5/24"];
        check(
            &here,
            &["10.8.0.9", "198.51.100.7", "10.8.0.2"],
            &["198.51.100.7", "10.8.0.9", "10.8.0.2"],
        );
    }

    #[test]
    fn a_range_of_containers_that_is_ones_own_network_is_near() {
        check(
            &["eth0 172.17.0.8/16"],
            &["198.51.100.7", "172.17.0.1"],
            &["172.17.0.1", "198.51.100.7"],
        );
    }

    #[test]
    fn families_take_turns_among_equals() {
        check(
            LAPTOP,
            &[
                "198.51.100.7",
                "198.51.100.8",
                "[2001:db8::7]",
                "[2001:db8::8]",
                "192.168.1.9",
                "192.168.1.10",
                "[fd00::9]",
            ],
            &[
                "192.168.1.9",
                "[fd00::9]",
                "192.168.1.10",
                "198.51.100.7",
                "[2001:db8::7]",
                "198.51.100.8",
                "[2001:db8::8]",
            ],
        );
    }

    #[test]
    fn among_equals_the_order_given_is_kept() {
        let given = ["192.168.1.9", "192.168.1.8", "192.168.1.9:4471"];
        check(LAPTOP, &given, &given);
    }

    #[test]
    fn a_zone_is_found_for_what_has_none_that_is_known_here() {
        check(LAPTOP, &["[fe80::9%wlan0]"], &["[fe80::9%wlan0]"]);
        let both = ["[fe80::9%eth0]", "[fe80::9%wlan0]"];
        check(LAPTOP, &["[fe80::9]"], &both);
        check(LAPTOP, &["[fe80::9%en7]"], &both);
        check(&["lo 127.0.0.1/8"], &["[fe80::9]"], &[]);
    }

    #[test]
    fn each_is_tried_once_and_nothing_that_cannot_be_dialled() {
        check(
            LAPTOP,
            &[
                "0.0.0.0",
                "[::]",
                "224.0.0.251",
                "[ff02::fb]",
                "255.255.255.255",
                "[::ffff:192.168.1.9]",
                "192.168.1.9",
                "[fd00:0::9]",
                "[fd00::9%eth0]",
                "Lab-PC.local.",
                "lab-pc.local",
            ],
            &["192.168.1.9", "[fd00::9]", "lab-pc.local"],
        );
        let nowhere = Address {
            host: "192.168.1.9".to_owned(),
            port: 0,
        };
        assert!(rank(&[nowhere], &networks(LAPTOP)).is_empty());
    }

    #[test]
    fn a_race_is_bounded() {
        let many: Vec<Address> = (1..=u16::MAX)
            .map(|port| Address {
                host: "fe80::9".to_owned(),
                port,
            })
            .collect();
        assert_eq!(rank(&many, &networks(LAPTOP)).len(), RANKED_ADDRESSES);
    }
}
