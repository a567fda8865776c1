//! The networks that this computer is in.

use std::net::{IpAddr, Ipv4Addr};

use chatspot_protocol::limits::{CALLED_NETWORKS, HEARD_NETWORKS};
use chatspot_protocol::view::AddressKind;
use if_addrs::IfOperStatus;

use crate::addresses;

/// One address of one interface, and the network behind it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    /// The interface's name.
    pub interface: String,
    /// The interface's number, for scopes and groups of IPv6; 0 where the system gives none.
    pub index: u32,
    /// What it leads to.
    pub kind: AddressKind,
    /// This computer's address in it.
    pub ip: IpAddr,
    /// How many bits of an address name the network.
    pub prefix: u8,
    /// Where all of it are reached at once.
    pub broadcast: Option<Ipv4Addr>,
}

impl Network {
    /// Whether others may be behind it: no loopback, VPN or bridge of this computer's own machines.
    pub fn is_real(&self) -> bool {
        !self.ip.is_loopback() && addresses::kind_of_interface(&self.interface).is_none()
    }

    /// Whether `ip` is in it. Link-local addresses of IPv6 are in all networks alike, and count for none.
    pub fn holds(&self, ip: IpAddr) -> bool {
        match (self.ip, ip) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let prefix = u32::from(self.prefix.min(32));
                u32::from(own) ^ u32::from(other) <= u32::MAX.checked_shr(prefix).unwrap_or(0)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let prefix = u32::from(self.prefix.min(128));
                !other.is_unicast_link_local()
                    && u128::from(own) ^ u128::from(other)
                        <= u128::MAX.checked_shr(prefix).unwrap_or(0)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// The zone (RFC 4007) of link-local addresses behind it, as an [`chatspot_protocol::address::Address`] has it.
    pub fn zone(&self) -> String {
        let fits = self.interface.len() <= 32
            && !self.interface.ends_with('.')
            && self
                .interface
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.@".contains(&b));
        // Windows knows its interfaces by number only.
        if cfg!(windows) || !fits {
            self.index.to_string()
        } else {
            self.interface.clone()
        }
    }

    pub(crate) fn is_scoped(&self) -> bool {
        matches!(self.ip, IpAddr::V6(v6) if v6.is_unicast_link_local())
    }
}

/// All networks of this computer, loopback included, in a steady order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks(pub Vec<Network>);

impl Networks {
    /// Those of this moment. Empty when the system does not tell.
    pub fn now() -> Self {
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        let mut networks: Vec<Network> = interfaces
            .into_iter()
            .filter(|interface| {
                !matches!(
                    interface.oper_status,
                    IfOperStatus::Down | IfOperStatus::NotPresent | IfOperStatus::LowerLayerDown
                )
            })
            .map(|interface| {
                let (prefix, broadcast) = match &interface.addr {
                    if_addrs::IfAddr::V4(v4) => (
                        v4.prefixlen,
                        v4.broadcast
                            .filter(|told| !told.is_unspecified())
                            .or_else(|| broadcast(v4.ip, v4.prefixlen)),
                    ),
                    if_addrs::IfAddr::V6(v6) => (v6.prefixlen, None),
                };
                Network {
                    kind: addresses::kind(&interface.name, interface.ip()),
                    index: interface.index.unwrap_or(0),
                    ip: interface.ip(),
                    interface: interface.name,
                    prefix,
                    broadcast,
                }
            })
            .collect();
        networks.sort();
        Self(networks)
    }

    /// What is left where all is done at this address alone.
    pub(crate) fn only(mut self, ip: Option<IpAddr>) -> Self {
        if let Some(ip) = ip {
            self.0.retain(|network| network.ip == ip);
        }
        self
    }

    /// Where rooms are called out and looked for, one address of each kind for each interface, at most
    /// [`CALLED_NETWORKS`].
    ///
    /// Those of real adapters. VPNs are left out: who is at their other end did not come into this network, and most of
    /// them carry neither groups nor broadcasts. Bridges of this computer's own machines are left out as well, since
    /// some computers have dozens: what runs there asks, and is answered. Where nothing else is, bridges are taken, and
    /// without them loopback, so that two apps find each other on a computer without a network.
    pub fn useful(&self) -> Vec<&Network> {
        let kinds: [fn(&Network) -> bool; 3] = [
            Network::is_real,
            |network| {
                addresses::kind_of_interface(&network.interface) == Some(AddressKind::Virtual)
                    && !network.ip.is_loopback()
            },
            |network| network.ip.is_loopback(),
        ];
        let mut useful = Vec::new();
        for kind in kinds {
            useful = one_for_each(self.0.iter().filter(|network| kind(network)));
            if !useful.is_empty() {
                break;
            }
        }
        useful.truncate(CALLED_NETWORKS);
        useful
    }

    /// Where is listened, the useful ones first: all but VPNs, and loopback only where nothing else is. At most
    /// [`HEARD_NETWORKS`].
    pub(crate) fn listened(&self) -> Vec<&Network> {
        let mut listened = self.useful();
        let bridges = one_for_each(self.0.iter().filter(|network| {
            !network.ip.is_loopback()
                && addresses::kind_of_interface(&network.interface) == Some(AddressKind::Virtual)
        }));
        for bridge in bridges {
            if !listened.contains(&bridge) {
                listened.push(bridge);
            }
        }
        listened.truncate(HEARD_NETWORKS);
        listened
    }

    /// The own network in which `ip` is, the smallest first.
    pub fn same_subnet(&self, ip: IpAddr) -> Option<&Network> {
        self.0
            .iter()
            .filter(|network| network.holds(ip))
            .max_by_key(|network| network.prefix)
    }

    /// Whether an answer may go to `ip`: it is in one of the own networks.
    pub(crate) fn is_near(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V6(v6) if v6.is_unicast_link_local() => true,
            ip => self.same_subnet(ip).is_some(),
        }
    }

    /// The zone of the interface with this number.
    pub(crate) fn zone(&self, index: u32) -> String {
        self.0
            .iter()
            .find(|network| network.index == index)
            .map_or_else(|| index.to_string(), Network::zone)
    }
}

/// Where all of the network are reached, for systems that do not tell (RFC 919, section 7). Two hosts alone have none (RFC
/// 3021), one has no network, and neither has who takes the whole world for it.
fn broadcast(ip: Ipv4Addr, prefix: u8) -> Option<Ipv4Addr> {
    let hosts = u32::MAX.checked_shr(prefix.into())?;
    (1..=30)
        .contains(&prefix)
        .then(|| Ipv4Addr::from(u32::from(ip) | hosts))
}

/// Of each interface all addresses of IPv4, which are networks of their own, and one of IPv6: the link-local one, which
/// all on the cable reach, or else the first.
fn one_for_each<'a>(networks: impl Iterator<Item = &'a Network>) -> Vec<&'a Network> {
    let mut found: Vec<&Network> = Vec::new();
    for network in networks {
        let same = found
            .iter_mut()
            .find(|other| other.interface == network.interface && other.ip.is_ipv6());
        match same {
            Some(other) if network.ip.is_ipv6() => {
                if network.is_scoped() && !other.is_scoped() {
                    *other = network;
                }
            }
            Some(_) | None => found.push(network),
        }
    }
    // Private networks before others, and addresses that nobody gave out last: where there are too many, these go.
    found.sort_by_key(|network| (network.is_scoped(), network.kind));
    found
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `interface address/prefix`, with an index that stands for the interface's name.
    pub(crate) fn networks(lines: &[&str]) -> Networks {
        let mut names: Vec<&str> = Vec::new();
        let mut networks: Vec<Network> = lines
            .iter()
            .map(|line| {
                let (interface, rest) = line.split_once(' ').unwrap();
                let (ip, prefix) = rest.split_once('/').unwrap();
                let ip: IpAddr = ip.parse().unwrap();
                let prefix: u8 = prefix.parse().unwrap();
                if !names.contains(&interface) {
                    names.push(interface);
                }
                let at = names.iter().position(|name| *name == interface).unwrap();
                let broadcast = match ip {
                    IpAddr::V4(v4) => Some(Ipv4Addr::from(
                        u32::from(v4) | u32::MAX.checked_shr(prefix.into()).unwrap_or(0),
                    )),
                    IpAddr::V6(_) => None,
                };
                Network {
                    interface: interface.to_owned(),
                    index: u32::try_from(at).unwrap() + 1,
                    kind: addresses::kind(interface, ip),
                    ip,
                    prefix,
                    broadcast,
                }
            })
            .collect();
        networks.sort();
        Networks(networks)
    }

    fn shown(networks: &[&Network]) -> Vec<String> {
        let text = |n: &&Network| format!("{} {}", n.interface, n.ip);
        networks.iter().map(text).collect()
    }

    #[test]
    fn rooms_are_called_out_on_real_adapters() {
        let networks = networks(&[
            "docker0 172.17.0.1/16",
            "eth0 10.0.0.7/24",
            "eth0 10.9.0.7/24",
            "eth0 fd00::7/64",
            "eth0 2001:db8::7/64",
            "eth0 fe80::7/64",
            "lo 127.0.0.1/8",
            "lo ::1/128",
            "tun0 10.8.0.2/24",
            "veth1 fe80::9/64",
            "wlan0 192.168.1.5/24",
        ]);
        assert_eq!(
            shown(&networks.useful()),
            [
                "eth0 10.0.0.7",
                "eth0 10.9.0.7",
                "wlan0 192.168.1.5",
                "eth0 fe80::7"
            ]
        );
        assert_eq!(
            shown(&networks.listened())[4..],
            ["docker0 172.17.0.1", "veth1 fe80::9"]
        );
    }

    #[test]
    fn without_a_network_bridges_and_loopback_do() {
        let bridged = networks(&[
            "docker0 172.17.0.1/16",
            "lo 127.0.0.1/8",
            "tun0 10.8.0.2/24",
        ]);
        assert_eq!(shown(&bridged.useful()), ["docker0 172.17.0.1"]);
        let alone = networks(&["lo 127.0.0.1/8", "lo ::1/128"]);
        assert_eq!(shown(&alone.useful()), ["lo 127.0.0.1", "lo ::1"]);
        assert_eq!(shown(&alone.listened()), shown(&alone.useful()));
        assert!(networks(&["tun0 10.8.0.2/24"]).useful().is_empty());
    }

    #[test]
    fn an_address_is_in_the_smallest_network_that_holds_it() {
        let networks = networks(&[
            "eth0 10.0.0.7/8",
            "eth1 10.1.0.7/16",
            "eth2 0.0.0.0/0",
            "eth3 fd00::7/64",
            "eth4 192.168.7.7/32",
            "eth5 fe80::1/64",
        ]);
        let check = |ip: &str, interface: Option<&str>| {
            let found = networks.same_subnet(ip.parse().unwrap());
            assert_eq!(found.map(|n| n.interface.as_str()), interface, "{ip}");
        };
        check("10.1.2.3", Some("eth1"));
        check("10.2.2.3", Some("eth0"));
        check("192.168.7.7", Some("eth4"));
        check("192.168.7.8", Some("eth2"));
        check("fd00::ffff:1", Some("eth3"));
        check("fd00:0:0:1::1", None);
        check("fe80::2", None);
    }

    #[test]
    fn at_one_address_there_is_one_network() {
        let all = networks(&[
            "docker0 172.17.0.1/16",
            "eth0 10.0.0.5/24",
            "eth0 10.9.0.7/24",
            "eth0 fe80::5/64",
            "lo 127.0.0.1/8",
        ]);
        let only = |ip: &str| {
            let left = all.clone().only(Some(ip.parse().unwrap()));
            shown(&left.useful())
        };
        assert_eq!(only("10.0.0.5"), ["eth0 10.0.0.5"]);
        assert_eq!(only("172.17.0.1"), ["docker0 172.17.0.1"]);
        assert_eq!(only("10.0.0.6"), [""; 0]);
        assert_eq!(all.clone().only(None), all);
    }

    #[test]
    fn the_broadcast_address_follows_from_the_prefix() {
        let check = |ip: [u8; 4], prefix: u8, expected: Option<[u8; 4]>| {
            let found = broadcast(ip.into(), prefix);
            assert_eq!(found, expected.map(Ipv4Addr::from), "{ip:?}/{prefix}");
        };
        check([192, 168, 7, 9], 24, Some([192, 168, 7, 255]));
        check([10, 1, 2, 3], 8, Some([10, 255, 255, 255]));
        check([10, 0, 0, 1], 30, Some([10, 0, 0, 3]));
        check([10, 0, 0, 1], 31, None);
        check([10, 0, 0, 1], 32, None);
        check([10, 0, 0, 1], 33, None);
        check([10, 0, 0, 1], 0, None);
    }

    #[test]
    fn many_interfaces_are_bounded() {
        let lines: Vec<String> = (0..90)
            .map(|n| format!("{}{n} 10.{n}.0.1/24", if n < 40 { "eth" } else { "br-" }))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let networks = networks(&lines);
        assert_eq!(networks.useful().len(), CALLED_NETWORKS);
        assert_eq!(networks.listened().len(), HEARD_NETWORKS);
    }
}
