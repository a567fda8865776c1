//! The addresses of this computer that others can dial, best first.

use std::net::{IpAddr, Ipv6Addr};

use chatspot_protocol::address::Address;
use chatspot_protocol::view::{AddressKind, HostAddress};

/// This computer's addresses for `port`, best first: what is handed out to others.
pub fn to_hand_out(port: u16) -> Vec<HostAddress> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let seen = interfaces.into_iter().map(|interface| {
        let address = interface.ip();
        (interface.name, address)
    });
    rank(seen, port)
}

fn rank(seen: impl IntoIterator<Item = (String, IpAddr)>, port: u16) -> Vec<HostAddress> {
    let mut found: Vec<(AddressKind, bool, IpAddr, String)> = seen
        .into_iter()
        .map(|(interface, ip)| (kind(&interface, ip), ip.is_ipv6(), ip, interface))
        .collect();
    // IPv4 before IPv6 on real adapters, whatever they lead to, and within every other kind: it is shorter to read out.
    found.sort_by_key(|(kind, v6, ip, interface)| {
        let real = matches!(kind, AddressKind::Lan | AddressKind::Public);
        (
            !real,
            if real { AddressKind::Lan } else { *kind },
            *v6,
            *kind,
            *ip,
            interface.clone(),
        )
    });
    found.dedup_by(|a, b| a.2 == b.2);
    found
        .into_iter()
        .filter(|(kind, v6, ..)| !(*v6 && *kind == AddressKind::Loopback))
        .map(|(kind, _, ip, interface)| {
            let zone = if kind == AddressKind::LinkLocal && ip.is_ipv6() {
                format!("%{interface}")
            } else {
                String::new()
            };
            let address = Address {
                host: format!("{ip}{zone}"),
                port,
            };
            HostAddress {
                address: address.short(),
                interface,
                kind,
            }
        })
        .collect()
}

pub(crate) fn kind(interface: &str, ip: IpAddr) -> AddressKind {
    if ip.is_loopback() {
        return AddressKind::Loopback;
    }
    let link_local = match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    if link_local {
        return AddressKind::LinkLocal;
    }
    if let Some(kind) = kind_of_interface(interface) {
        return kind;
    }
    let private = match ip {
        // 100.64.0.0/10 is what carriers and Tailscale use.
        IpAddr::V4(v4) => v4.is_private(),
        IpAddr::V6(v6) => is_unique_local(v6),
    };
    if private {
        AddressKind::Lan
    } else {
        AddressKind::Public
    }
}

/// What an interface leads to, as far as its name tells: [`AddressKind::Virtual`], [`AddressKind::Vpn`], or a real network.
pub(crate) fn kind_of_interface(interface: &str) -> Option<AddressKind> {
    let name = interface.to_ascii_lowercase();
    // The names that the common container and machine hosts give, on Linux, macOS and Windows.
    let virtual_names = [
        "docker",
        "br-",
        "veth",
        "virbr",
        "vmnet",
        "vboxnet",
        "lxc",
        "lxd",
        "podman",
        "cni",
        "flannel",
        "vethernet",
        "bridge1",
        "incus",
        // Between Apple's devices: no network that others are in.
        "awdl",
        "llw",
        "anpi",
    ];
    if virtual_names.iter().any(|start| name.starts_with(start))
        || name.contains("virtualbox")
        || name.contains("vmware")
        || name.contains("wsl")
    {
        return Some(AddressKind::Virtual);
    }
    let vpn_names = [
        "tun",
        "tap",
        "wg",
        "utun",
        "ppp",
        "tailscale",
        "zt",
        "nordlynx",
        "ipsec",
        "proton",
    ];
    if vpn_names.iter().any(|start| name.starts_with(start)) || name.contains("vpn") {
        return Some(AddressKind::Vpn);
    }
    None
}

fn is_unique_local(v6: Ipv6Addr) -> bool {
    v6.segments()[0] & 0xfe00 == 0xfc00
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lan_address_comes_before_virtual_adapters() {
        let seen = [
            ("lo", "127.0.0.1"),
            ("lo", "::1"),
            ("docker0", "172.17.0.1"),
            ("tun0", "10.8.0.2"),
            ("wlan0", "fe80::1"),
            ("wlan0", "192.168.1.5"),
            ("wlan0", "2001:db8::5"),
            ("wlan0", "fd00::5"),
            ("eth1", "198.51.100.9"),
            ("eth9", "169.254.3.4"),
            ("br-1a2b", "172.18.0.1"),
        ];
        let ranked = rank(
            seen.map(|(name, ip)| (name.to_owned(), ip.parse().unwrap())),
            4470,
        );
        let shown: Vec<_> = ranked
            .iter()
            .map(|a| (a.address.as_str(), a.kind))
            .collect();
        assert_eq!(
            shown,
            [
                ("192.168.1.5", AddressKind::Lan),
                ("198.51.100.9", AddressKind::Public),
                ("[fd00::5]:4470", AddressKind::Lan),
                ("[2001:db8::5]:4470", AddressKind::Public),
                ("10.8.0.2", AddressKind::Vpn),
                ("172.17.0.1", AddressKind::Virtual),
                ("172.18.0.1", AddressKind::Virtual),
                ("169.254.3.4", AddressKind::LinkLocal),
                ("[fe80::1%wlan0]:4470", AddressKind::LinkLocal),
                ("127.0.0.1", AddressKind::Loopback),
            ]
        );
    }

    #[test]
    fn another_port_is_always_said() {
        let ranked = rank([("eth0".to_owned(), "10.0.0.7".parse().unwrap())], 4471);
        assert_eq!(ranked[0].address, "10.0.0.7:4471");
    }

    #[test]
    fn this_computer_has_an_address() {
        assert!(!to_hand_out(4470).is_empty());
    }
}
