//! Where packets go: whether a VPN takes those for the local network, whether the router answers, and whether anybody else
//! does.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use chatspot_protocol::limits::{DOCTOR_DIAL, DOCTOR_PEERS, DOCTOR_PROGRAM, DOCTOR_STEP};
use chatspot_protocol::view::{AddressKind, Finding, Level, Symptom, VpnTakes};
use futures_util::future::join_all;
use tokio::time::timeout;

use super::Questions;
use super::firewall::{neighbour, within};
use super::system::{Platform, Reach, Said, System, at};
use crate::networks::Network;

/// An address far away: of a network for examples (RFC 5737). Nothing is sent to it.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
/// Discard (RFC 863): nobody listens there any more.
const DISCARD: u16 = 9;
/// What routers answer at, or refuse: names, and their own pages.
const ROUTER_PORTS: [u16; 3] = [53, 80, 443];
/// How often the table of neighbours is looked at after somebody was nudged: address resolution takes milliseconds where
/// somebody is there, and repeats twice in the time that is waited.
const NEIGHBOURS_EVERY: Duration = Duration::from_millis(250);

/// Whether a VPN takes packets, and which.
pub(super) fn vpn(system: &impl System, networks: &[Network]) -> Option<Finding> {
    let through = |to: IpAddr| {
        let source = system.source(to)?;
        networks
            .iter()
            .find(|network| network.ip == source && network.kind == AddressKind::Vpn)
    };
    let lan = |network: &&Network| matches!(network.kind, AddressKind::Lan);
    let local = networks
        .iter()
        .filter(lan)
        .find_map(|network| through(neighbour(network.ip)));
    let (taken, level, takes) = match local {
        Some(vpn) => (vpn, Level::Bad, VpnTakes::LocalNetwork),
        None => (through(ELSEWHERE)?, Level::Note, VpnTakes::Elsewhere),
    };
    Some(Finding {
        level,
        what: Symptom::Vpn {
            interface: taken.interface.clone(),
            takes,
        },
    })
}

/// Who answers in the local network when asked directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answers {
    /// The router, and whether it answers; none where the network has none.
    router: Option<(IpAddr, bool)>,
    /// Who should answer.
    expected: Expected,
    /// How many of those who were reached before answered.
    answered: usize,
    /// How many of them still take connections where rooms were.
    pub(super) open: usize,
}

/// Who would answer if nothing stood between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// Nobody in this network is known.
    Nobody,
    /// One was reached before the app started, and may be switched off.
    Somebody,
    /// One was reached here since the app started, or several are known, who are rarely all switched off.
    Several,
}

/// How many computers of one network are missed when none of them answers: one may be switched off.
const MISSED: usize = 2;

impl Expected {
    fn of(questions: &Questions, networks: &[Network]) -> Self {
        let is_here = |peer: &&SocketAddr| is_neighbour(peer.ip(), networks);
        if questions.met.iter().any(|peer| is_here(&peer)) {
            return Self::Several;
        }
        let most = networks.iter().map(|network| {
            let one = std::slice::from_ref(network);
            computers(&questions.known, one)
        });
        match most.max().unwrap_or(0) {
            0 => Self::Nobody,
            few if few < MISSED => Self::Somebody,
            _ => Self::Several,
        }
    }
}

/// How many computers of these networks have had rooms, at least: each may have several rooms and addresses.
fn computers(known: &[Vec<SocketAddr>], networks: &[Network]) -> usize {
    let mut counted: Vec<IpAddr> = Vec::new();
    let mut count = 0;
    for room in known {
        let ips = room.iter().map(SocketAddr::ip);
        let here: Vec<IpAddr> = ips.filter(|ip| is_neighbour(*ip, networks)).collect();
        if !here.is_empty() && here.iter().all(|ip| !counted.contains(ip)) {
            count += 1;
        }
        counted.extend(here);
    }
    count
}

/// Asks the router and those who were reached before.
pub(super) async fn ask(
    system: &impl System,
    networks: &[Network],
    questions: &Questions,
) -> Answers {
    let router = async {
        let gateway = timeout(DOCTOR_STEP, gateway(system, networks))
            .await
            .ok()??;
        let ports = ROUTER_PORTS.map(|port| at(gateway.ip, port, gateway.scope));
        let reach = is_there(system, &ports).await;
        Some((gateway.ip, reach != Reach::Silent))
    };
    let mut peers: Vec<SocketAddr> = Vec::new();
    for peer in questions.met.iter().chain(questions.known.iter().flatten()) {
        if is_neighbour(peer.ip(), networks) && !peers.contains(peer) {
            peers.push(*peer);
        }
    }
    peers.truncate(DOCTOR_PEERS);
    let each = peers
        .iter()
        .map(|peer| is_there(system, std::slice::from_ref(peer)));
    let (router, there) = tokio::join!(router, join_all(each));
    Answers {
        router,
        expected: Expected::of(questions, networks),
        answered: there
            .iter()
            .filter(|reach| **reach != Reach::Silent)
            .count(),
        open: there.iter().filter(|reach| **reach == Reach::Open).count(),
    }
}

/// What to make of it. `others` says how many others were heard in any other way.
pub(super) fn judge(answers: &Answers, networks: &[Network], others: usize) -> Option<Finding> {
    let lonely = others == 0 && answers.answered == 0;
    let (level, what) = match answers.router {
        Some((router, true)) if lonely && answers.expected != Expected::Nobody => (
            match answers.expected {
                Expected::Several => Level::Doubtful,
                // Most probably it is switched off.
                Expected::Somebody | Expected::Nobody => Level::Note,
            },
            Symptom::Isolation {
                router: router.to_string(),
            },
        ),
        Some((router, false)) if lonely => (
            Level::Doubtful,
            Symptom::NoRouter {
                router: Some(router.to_string()),
            },
        ),
        // A cable or a switch alone is a network, too.
        None if lonely
            && networks
                .iter()
                .any(|network| network.kind == AddressKind::Lan) =>
        {
            (Level::Note, Symptom::NoRouter { router: None })
        }
        _ => return None,
    };
    Some(Finding { level, what })
}

/// Somebody else in one of the networks at the cable or the antenna.
fn is_neighbour(ip: IpAddr, networks: &[Network]) -> bool {
    networks.iter().any(|network| {
        matches!(network.kind, AddressKind::Lan | AddressKind::Public)
            && network.ip != ip
            && within(ip, network.ip, network.prefix)
    })
}

/// Whether anybody is at this computer, of which all of `addresses` are: a connection taken or refused says so, and so
/// does the system's table of neighbours, where a firewall keeps silent.
async fn is_there(system: &impl System, addresses: &[SocketAddr]) -> Reach {
    let Some(first) = addresses.first() else {
        return Reach::Silent;
    };
    let ip = first.ip();
    system.nudge(SocketAddr::new(ip, DISCARD));
    let looks = async {
        for _ in 0..DOCTOR_DIAL.as_millis() / NEIGHBOURS_EVERY.as_millis() {
            tokio::time::sleep(NEIGHBOURS_EVERY).await;
            if is_resolved(system, ip).await {
                return true;
            }
        }
        false
    };
    let dials = join_all(addresses.iter().map(|address| system.reach(*address)));
    let (reached, resolved) = tokio::join!(dials, looks);
    if reached.contains(&Reach::Open) {
        Reach::Open
    } else if resolved || reached.contains(&Reach::Refused) {
        Reach::Refused
    } else {
        Reach::Silent
    }
}

/// Whether the system knows who has this address; where there is no table that everybody may read, whether a ping is
/// answered.
async fn is_resolved(system: &impl System, ip: IpAddr) -> bool {
    let text = ip.to_string();
    match (system.platform(), ip) {
        (Platform::Linux, IpAddr::V4(v4)) => {
            let table = system.read("/proc/net/arp").await;
            table.is_some_and(|table| is_in_arp(&table, v4))
        }
        (Platform::Linux, IpAddr::V6(_)) => {
            let args = ["-6", "neigh", "show", text.as_str()];
            let said = system.run("ip", &args, DOCTOR_PROGRAM).await;
            said.and_then(Said::fine)
                .is_some_and(|said| is_in_neighbours(&said))
        }
        (Platform::Windows, _) => {
            let args = ["-n", "1", "-w", "1000", text.as_str()];
            let said = system.run("ping.exe", &args, DOCTOR_PROGRAM).await;
            // It also succeeds with word that nobody is there; only an answer has a time to live, in every language.
            said.is_some_and(|said| {
                said.out.contains("TTL=") || (ip.is_ipv6() && said.code == Some(0))
            })
        }
        (Platform::Macos, IpAddr::V4(_)) => {
            let args = ["-n", "-c", "1", "-t", "1", text.as_str()];
            let said = system.run("/sbin/ping", &args, DOCTOR_PROGRAM).await;
            said.is_some_and(|said| said.code == Some(0))
        }
        (Platform::Macos | Platform::Other, _) => false,
    }
}

/// Whether `/proc/net/arp` has an address as complete (`ATF_COM` of `if_arp.h`).
fn is_in_arp(table: &str, ip: Ipv4Addr) -> bool {
    const COMPLETE: u32 = 0x2;
    table.lines().any(|line| {
        let mut columns = line.split_whitespace();
        let address = columns
            .next()
            .and_then(|text| text.parse::<Ipv4Addr>().ok());
        let flags = columns
            .nth(1)
            .and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok());
        address == Some(ip) && flags.is_some_and(|flags| flags & COMPLETE != 0)
    })
}

/// Whether a line of `ip neigh show` tells of somebody who is there, or was a moment ago.
fn is_in_neighbours(printed: &str) -> bool {
    let there = ["REACHABLE", "STALE", "DELAY", "PROBE", "PERMANENT"];
    printed
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .any(|state| there.contains(&state))
}

/// A router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gateway {
    ip: IpAddr,
    /// The number of its interface, for link-local addresses.
    scope: u32,
}

/// The router of a network that leads to others; that of a VPN is none.
async fn gateway(system: &impl System, networks: &[Network]) -> Option<Gateway> {
    let real = |interface: &str| {
        networks.iter().find(|network| {
            network.interface == interface
                && matches!(
                    network.kind,
                    AddressKind::Lan | AddressKind::Public | AddressKind::LinkLocal
                )
        })
    };
    let with_scope = |(interface, ip): (String, IpAddr)| {
        let scope = real(&interface)?.index;
        Some(Gateway { ip, scope })
    };
    // Where only the address is told, it tells the network.
    let in_network = |ip: &IpAddr| is_neighbour(*ip, networks);
    match system.platform() {
        Platform::Linux => {
            let v4 = system.read("/proc/net/route").await.unwrap_or_default();
            let v6 = system
                .read("/proc/net/ipv6_route")
                .await
                .unwrap_or_default();
            let mut all = linux_v4(&v4).into_iter().chain(linux_v6(&v6));
            all.find_map(with_scope)
        }
        Platform::Macos => {
            let args = ["-n", "get", "default"];
            let said = system.run("/sbin/route", &args, DOCTOR_PROGRAM).await;
            macos(&said?.fine()?)
                .filter(in_network)
                .map(|ip| Gateway { ip, scope: 0 })
        }
        Platform::Windows => {
            let args = ["print", "-4", "0.0.0.0"];
            let said = system.run("route.exe", &args, DOCTOR_PROGRAM).await;
            let mut all = windows(&said?.fine()?).into_iter();
            all.find(in_network).map(|ip| Gateway { ip, scope: 0 })
        }
        Platform::Other => None,
    }
}

/// The default routes in `/proc/net/route`: names, then numbers in the byte order of the machine, in hexadecimal.
fn linux_v4(table: &str) -> Vec<(String, IpAddr)> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let number = |at: usize| u32::from_str_radix(columns.get(at)?, 16).ok();
            let (to, router, mask) = (number(1)?, number(2)?, number(7)?);
            let router = Ipv4Addr::from(router.to_ne_bytes());
            (to == 0 && mask == 0 && !router.is_unspecified())
                .then(|| (columns[0].to_owned(), router.into()))
        })
        .collect()
}

/// The default routes in `/proc/net/ipv6_route`: target and its bits, source and its bits, router, …, interface.
fn linux_v6(table: &str) -> Vec<(String, IpAddr)> {
    let nowhere = "0".repeat(32);
    table
        .lines()
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let router = u128::from_str_radix(columns.get(4)?, 16).ok()?;
            let router = Ipv6Addr::from_bits(router);
            (columns[0] == nowhere && columns[1] == "00" && !router.is_unspecified())
                .then(|| Some(((*columns.last()?).to_owned(), router.into())))
                .flatten()
        })
        .collect()
}

/// What `route -n get default` prints.
fn macos(printed: &str) -> Option<IpAddr> {
    printed.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == "gateway")
            .then(|| value.trim().parse().ok())
            .flatten()
    })
}

/// What `route print -4 0.0.0.0` prints: the lines of numbers, the words around them being translated.
fn windows(printed: &str) -> Vec<IpAddr> {
    printed
        .lines()
        .filter_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            match columns.as_slice() {
                ["0.0.0.0", "0.0.0.0", router, ..] => router.parse().ok(),
                _ => None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: &str = include_str!("recorded/proc-net-route.txt");
    const ROUTE_V6: &str = include_str!("recorded/proc-net-ipv6-route.txt");
    const ARP: &str = include_str!("recorded/proc-net-arp.txt");

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn routers_are_read_from_what_each_system_prints() {
        if cfg!(target_endian = "little") {
            assert_eq!(linux_v4(ROUTE), [("eth0".to_owned(), ip("192.168.7.1"))]);
        }
        assert_eq!(linux_v6(ROUTE_V6), [("eth0".to_owned(), ip("fe80::1"))]);
        let printed = "   route to: default\ndestination: default\n       mask: default\n    gateway: 192.168.7.1\n  interface: en0\n";
        assert_eq!(macos(printed), Some(ip("192.168.7.1")));
        assert_eq!(
            macos("route: writing to routing socket: not in table\n"),
            None
        );
        let printed = "IPv4-Routentabelle\r\n===\r\nAktive Routen:\r\n     Netzwerkziel    Netzwerkmaske          Gateway    Schnittstelle Metrik\r\n          0.0.0.0          0.0.0.0      192.168.7.1      192.168.7.5     25\r\n          0.0.0.0          0.0.0.0   Auf Verbindung       10.8.0.2      5\r\n";
        assert_eq!(windows(printed), [ip("192.168.7.1")]);
    }

    #[test]
    fn the_table_of_neighbours_says_who_is_there() {
        assert!(is_in_arp(ARP, Ipv4Addr::new(192, 168, 7, 1)));
        // Asked for, and nobody answered.
        assert!(ARP.contains("192.168.7.9 "));
        assert!(!is_in_arp(ARP, Ipv4Addr::new(192, 168, 7, 9)));
        assert!(!is_in_arp(ARP, Ipv4Addr::new(192, 168, 7, 10)));
        assert!(is_in_neighbours(
            "fe80::1 dev eth0 lladdr 02:00:00:00:00:01 STALE \n"
        ));
        assert!(!is_in_neighbours("fe80::1 dev eth0 FAILED \n"));
        assert!(!is_in_neighbours(""));
    }
}
