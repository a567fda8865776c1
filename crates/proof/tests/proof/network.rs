//! Two network namespaces joined by a cable, and what can be wrong with it. Nothing outside of them is touched: they
//! have no name, and are gone with the two programs that hold them.
//!
//! Needs root, or a system that lets everybody make user namespaces, and the programs of iproute2, util-linux and
//! nftables. Packets are dropped as they come in: to the sender they are lost, and not refused.

use std::net::SocketAddr;

use chatspot_proof::namespace::{Namespace, NamespaceError};
use chatspot_proof::stage::Place;

/// The relay's end of the cable; no network outside is reached from there, so any address will do.
const RELAY: &str = "10.77.0.1";
/// The members' end.
const MEMBERS: &str = "10.77.0.2";
/// Nothing else listens in the namespace.
const PORT: u16 = 4470;

/// What is wrong with the cable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// So many of a hundred packets are lost, in each direction.
    Loss(u8),
    /// Nothing comes through, and nobody is told.
    BlackHole,
}

/// The cable with its two ends.
pub(crate) struct Network {
    relay: Namespace,
    members: Namespace,
}

impl Network {
    /// Lays a cable, or says why that cannot be done here.
    pub(crate) fn new() -> Result<Self, String> {
        let network = Self::lay();
        // Whatever fails once there is a namespace is no matter of this computer.
        network.map_err(|error| match error {
            NamespaceError::Unable(why) => why,
            error => panic!("{error}"),
        })
    }

    fn lay() -> Result<Self, NamespaceError> {
        let relay = Namespace::new()?;
        let members = relay.beside()?;
        let there = members.id();
        relay.run(&format!(
            "ip link add cable type veth peer name cable netns {there}"
        ))?;
        for (end, address) in [(&relay, RELAY), (&members, MEMBERS)] {
            end.run(&format!("ip address add {address}/24 dev cable"))?;
            end.run("ip link set lo up")?;
            end.run("ip link set cable up")?;
        }
        let network = Self { relay, members };
        network.fault(Fault::None);
        Ok(network)
    }

    pub(crate) fn address() -> SocketAddr {
        SocketAddr::new(RELAY.parse().unwrap(), PORT)
    }

    /// Where the relay runs.
    pub(crate) fn near(&self) -> Place {
        self.relay.place()
    }

    /// At the cable's other end.
    pub(crate) fn far(&self) -> Place {
        self.members.place()
    }

    /// From now on the cable has this fault, and no other.
    pub(crate) fn fault(&self, fault: Fault) {
        let rule = match fault {
            Fault::None => "accept".to_owned(),
            Fault::Loss(of_hundred) => {
                format!("iifname \"cable\" numgen random mod 100 < {of_hundred} counter drop")
            }
            Fault::BlackHole => "iifname \"cable\" counter drop".to_owned(),
        };
        let rules = format!(
            "table inet fault\ndelete table inet fault\n\
             table inet fault {{\nchain in {{\ntype filter hook input priority 0; {rule}\n}}\n}}\n"
        );
        self.relay.nft(&rules).unwrap();
        self.members.nft(&rules).unwrap();
    }

    /// Packets that the fault has swallowed so far, the fewer of the two directions.
    pub(crate) fn swallowed(&self) -> u64 {
        let count = |end: &Namespace| {
            let text = end.run("nft list ruleset").unwrap();
            let (_, count) = text.split_once("counter packets ").unwrap();
            count.split(' ').next().unwrap().parse().unwrap()
        };
        u64::min(count(&self.relay), count(&self.members))
    }

    /// From now on the cable carries so many kilobits a second in each direction, with a modem's buffer before it.
    pub(crate) fn narrow(&self, kilobits: u32) {
        let line = format!(
            "tc qdisc replace dev cable root tbf rate {kilobits}kbit burst 1600 latency 1s"
        );
        self.relay.run(&line).unwrap();
        self.members.run(&line).unwrap();
    }
}
