//! The networks that this computer is in, and whether one of them leads to others.

use chatspot_protocol::view::{AddressKind, Finding, Level, NetworkView, Symptom};

use super::firewall::place;
use crate::networks::Network;

pub(super) fn judge(networks: &[Network]) -> Finding {
    let mut views: Vec<NetworkView> = Vec::new();
    for network in networks {
        if network.kind == AddressKind::Loopback {
            continue;
        }
        let address = format!("{}/{}", network.ip, network.prefix);
        match views
            .iter_mut()
            .find(|view| view.interface == network.interface)
        {
            Some(view) => {
                view.addresses.push(address);
                // Every interface has a link-local address; what it leads to, its others say.
                let says_nothing = network.kind == AddressKind::LinkLocal;
                let nothing_yet = view.kind == AddressKind::LinkLocal;
                if nothing_yet || (!says_nothing && place(network.kind) < place(view.kind)) {
                    view.kind = network.kind;
                }
            }
            None => views.push(NetworkView {
                interface: network.interface.clone(),
                kind: network.kind,
                addresses: vec![address],
            }),
        }
    }
    views.sort_by_key(|view| place(view.kind));
    let level = match views.first().map(|view| view.kind) {
        None => Level::Bad,
        Some(AddressKind::Lan | AddressKind::Public) => Level::Good,
        // Nobody gave out an address, or all of it is on this computer or far away.
        Some(_) => Level::Doubtful,
    };
    Finding {
        level,
        what: Symptom::Networks { networks: views },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::tests::networks;

    #[test]
    fn a_network_that_leads_to_others_is_good() {
        let cases: &[(&[(&str, &str)], Level)] = &[
            (&[("lo", "127.0.0.1/8")], Level::Bad),
            (&[], Level::Bad),
            (
                &[("eth0", "192.168.7.5/24"), ("lo", "127.0.0.1/8")],
                Level::Good,
            ),
            (&[("eth0", "fd00::5/64")], Level::Good),
            (
                &[("eth0", "169.254.3.4/16"), ("eth0", "fe80::1/64")],
                Level::Doubtful,
            ),
            (
                &[("docker0", "172.17.0.1/16"), ("tun0", "10.8.0.2/24")],
                Level::Doubtful,
            ),
            (
                &[("docker0", "172.17.0.1/16"), ("wlan0", "10.0.0.2/24")],
                Level::Good,
            ),
        ];
        for (given, level) in cases {
            assert_eq!(judge(&networks(given)).level, *level, "{given:?}");
        }
    }

    #[test]
    fn each_interface_is_shown_once_the_best_first() {
        let found = judge(&networks(&[
            ("docker0", "172.17.0.1/16"),
            ("docker0", "fe80::7/64"),
            ("eth0", "fe80::5/64"),
            ("eth0", "192.168.7.5/24"),
        ]));
        let Symptom::Networks { networks } = found.what else {
            panic!("{found:?}");
        };
        let shown: Vec<_> = networks
            .iter()
            .map(|view| (view.interface.as_str(), view.kind, view.addresses.len()))
            .collect();
        assert_eq!(
            shown,
            [
                ("eth0", AddressKind::Lan, 2),
                ("docker0", AddressKind::Virtual, 2)
            ]
        );
    }
}
