//! Networks of several computers: a switch, hosts plugged into it, and what can be wrong with them. Nothing outside is
//! touched.
//!
//! Every computer is a namespace of its own, and one more holds the switches. Addresses are there at once: none waits
//! for the detection of duplicates.

use std::net::IpAddr;

use crate::namespace::{Namespace, NamespaceError};
use crate::stage::Place;

/// One computer of a [`Lan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostId(usize);

/// One network of a [`Lan`]: a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkId(usize);

/// What the switches do not pass on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swallows {
    /// Nothing: they are good switches.
    Nothing,
    /// Datagrams to groups, those of mDNS included. What IPv6 needs to find addresses passes.
    Multicast,
    /// Datagrams to groups and to everybody; what IPv4 needs to find addresses passes.
    MulticastAndBroadcast,
}

/// Switches and computers.
#[derive(Debug)]
pub struct Lan {
    switch: Namespace,
    networks: usize,
    hosts: Vec<Host>,
    /// Cables that were laid so far, for the names of their ends at the switch.
    cables: usize,
}

#[derive(Debug)]
struct Host {
    namespace: Namespace,
    /// The names of the cables at the switch, `eth0` first.
    ports: Vec<String>,
}

impl Lan {
    /// No network yet, or the reason why none can be made here.
    pub fn new() -> Result<Self, NamespaceError> {
        let lan = Self {
            switch: Namespace::new()?,
            networks: 0,
            hosts: Vec::new(),
            cables: 0,
        };
        let bridge = lan
            .switch
            .ip("link add name probe type bridge mcast_snooping 0\nlink delete dev probe");
        bridge.map_err(|error| NamespaceError::Unable(format!("no bridges: {error}")))?;
        Ok(lan)
    }

    /// One more network. Nothing leads from one to another.
    pub fn network(&mut self) -> Result<NetworkId, NamespaceError> {
        let id = NetworkId(self.networks);
        self.networks += 1;
        // What is passed on is passed on to all: nobody has asked for groups, so there is nothing to learn from.
        self.switch.ip(&format!(
            "link add name switch{0} type bridge mcast_snooping 0\n\
             link set dev switch{0} addrgenmode none\n\
             link set dev switch{0} up",
            id.0
        ))?;
        Ok(id)
    }

    /// One more computer, in no network.
    pub fn host(&mut self) -> Result<HostId, NamespaceError> {
        let namespace = self.switch.beside()?;
        namespace.ip("link set dev lo up")?;
        self.hosts.push(Host {
            namespace,
            ports: Vec::new(),
        });
        Ok(HostId(self.hosts.len() - 1))
    }

    /// A computer in this network with these addresses (with their prefix lengths) and no others.
    pub fn host_in(
        &mut self,
        network: NetworkId,
        addresses: &[&str],
    ) -> Result<HostId, NamespaceError> {
        let host = self.host()?;
        self.plug(host, network, addresses)?;
        Ok(host)
    }

    /// Plugs a computer into one more network. Its interfaces are called `eth0`, `eth1` and so on.
    pub fn plug(
        &mut self,
        host: HostId,
        network: NetworkId,
        addresses: &[&str],
    ) -> Result<(), NamespaceError> {
        let port = format!("port{}", self.cables);
        self.cables += 1;
        let interface = format!("eth{}", self.hosts[host.0].ports.len());
        let there = self.hosts[host.0].namespace.id();
        self.switch.ip(&format!(
            "link add name {port} type veth peer name {interface} netns {there}\n\
             link set dev {port} addrgenmode none\n\
             link set dev {port} master switch{}\n\
             link set dev {port} up",
            network.0
        ))?;
        let namespace = &self.hosts[host.0].namespace;
        namespace.ip(&format!(
            "link set dev {interface} addrgenmode none\nlink set dev {interface} up"
        ))?;
        self.hosts[host.0].ports.push(port);
        for address in addresses {
            self.add_address(host, &interface, address)?;
        }
        Ok(())
    }

    /// Gives an interface one more address.
    pub fn add_address(
        &self,
        host: HostId,
        interface: &str,
        address: &str,
    ) -> Result<(), NamespaceError> {
        let more = if address.contains(':') {
            "nodad"
        } else {
            "brd +"
        };
        self.at(host)
            .ip(&format!("address add {address} {more} dev {interface}"))
    }

    /// Takes an address away; connections from there hear nothing more.
    pub fn remove_address(
        &self,
        host: HostId,
        interface: &str,
        address: &str,
    ) -> Result<(), NamespaceError> {
        self.at(host)
            .ip(&format!("address delete {address} dev {interface}"))
    }

    /// What leads elsewhere goes to this router from now on.
    pub fn router(&self, host: HostId, router: IpAddr) -> Result<(), NamespaceError> {
        self.at(host)
            .ip(&format!("route replace default via {router}"))
    }

    /// This computer passes on what is not for it, as a router does.
    pub fn forward(&self, host: HostId) -> Result<(), NamespaceError> {
        self.at(host)
            .run("sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
            .map(drop)
    }

    /// What Docker does to a computer, on each the same: a switch of its own with nobody in it, and an address there.
    pub fn docker(&self, host: HostId) -> Result<(), NamespaceError> {
        self.at(host).ip("link add name docker0 type bridge\n\
             link add name inside type veth peer name veth0\n\
             link set dev veth0 master docker0\n\
             link set dev inside up\n\
             link set dev veth0 up\n\
             link set dev docker0 up\n\
             address add 172.17.0.1/16 brd + dev docker0")
    }

    /// A VPN that is connected, whose other end takes everything and answers nothing.
    pub fn vpn(&self, host: HostId, address: &str) -> Result<(), NamespaceError> {
        self.at(host).ip(&format!(
            "link add name wg0 type veth peer name wg0end\n\
             link set dev wg0end up\n\
             link set dev wg0 up\n\
             address add {address} dev wg0"
        ))
    }

    /// From now on the switches pass on everything but this.
    pub fn swallow(&self, what: Swallows) -> Result<(), NamespaceError> {
        // The lowest bit of a card's address says that it is a group's.
        let groups = "meta l4proto udp ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 \
                      ether daddr != ff:ff:ff:ff:ff:ff counter drop";
        let all = "meta l4proto udp ether daddr ff:ff:ff:ff:ff:ff counter drop";
        let rules = match what {
            Swallows::Nothing => String::new(),
            Swallows::Multicast => groups.to_owned(),
            Swallows::MulticastAndBroadcast => format!("{groups}\n{all}"),
        };
        self.switch.nft(&format!(
            "table bridge fault\ndelete table bridge fault\ntable bridge fault {{\nchain pass {{\n\
             type filter hook forward priority 0;\n{rules}\n}}\n}}\n"
        ))
    }

    /// Packets that were not passed on.
    pub fn swallowed(&self) -> Result<u64, NamespaceError> {
        let listed = self.switch.run("nft list table bridge fault")?;
        let counts = listed.split("counter packets ").skip(1);
        let counts = counts.filter_map(|text| text.split(' ').next()?.parse::<u64>().ok());
        Ok(counts.sum())
    }

    /// From now on this computer reaches none that is kept apart as well, as guests in a Wi-Fi.
    pub fn keep_apart(&self, host: HostId) -> Result<(), NamespaceError> {
        for port in &self.hosts[host.0].ports {
            self.switch.ip(&format!(
                "link set dev {port} type bridge_slave isolated on"
            ))?;
        }
        Ok(())
    }

    /// Pulls the first cable, or puts it in again.
    pub fn cable(&self, host: HostId, state: Cable) -> Result<(), NamespaceError> {
        let state = match state {
            Cable::In => "up",
            Cable::Out => "down",
        };
        let port = &self.hosts[host.0].ports[0];
        self.switch.ip(&format!("link set dev {port} {state}"))
    }

    /// A computer's own namespace.
    pub fn at(&self, host: HostId) -> &Namespace {
        &self.hosts[host.0].namespace
    }

    /// There programs run.
    pub fn place(&self, host: HostId) -> Place {
        self.at(host).place()
    }
}

/// How a cable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cable {
    /// In its socket.
    In,
    /// Not.
    Out,
}
