//! By which names a relay is called, which pages may talk to it, and what is near: how a request's `Host` and `Origin`
//! and a peer's address are judged.

use std::net::{IpAddr, SocketAddr};

use chatspot_protocol::room::Place;

use crate::RelayConfig;

/// The names of one relay.
#[derive(Debug)]
pub(crate) struct Names {
    /// In lower case, without ports.
    own: Vec<String>,
    /// Domains at which a proxy ends the encryption; among the names, too.
    domains: Vec<String>,
    /// Origins of pages that come from elsewhere, in lower case.
    origins: Vec<String>,
}

/// What a request says of the page that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The relay's own, or one that its owner allowed.
    Welcome,
    /// Any other.
    Foreign,
}

/// How a connection's bytes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// Under the relay's own encryption.
    Tls,
    /// As they are.
    Plain,
}

impl Names {
    pub(crate) fn new(config: &RelayConfig) -> Self {
        let mut names = vec!["localhost".to_owned()];
        // A system without a name for itself is called by its addresses.
        if let Ok(own) = whoami::hostname() {
            let own = own.to_lowercase();
            let short = own.split('.').next().unwrap_or_default().to_owned();
            names.extend([format!("{short}.local"), short, own]);
        }
        let lower = |texts: &[String]| -> Vec<String> {
            let texts = texts.iter();
            texts
                .map(|text| text.trim_end_matches('/').to_lowercase())
                .collect()
        };
        let domains = lower(&config.domains);
        names.extend(lower(&config.host_names));
        names.extend(domains.iter().cloned());
        Self {
            own: names,
            domains,
            origins: lower(&config.origins),
        }
    }

    /// Whether `host`, as a request names it, with or without a port, is this relay. `local` is the socket's own address.
    pub(crate) fn is_own(&self, host: &str, local: Option<SocketAddr>) -> bool {
        let Some(name) = without_port(host) else {
            return false;
        };
        if self.own.contains(&name) {
            return true;
        }
        let literal = name.split('%').next().unwrap_or_default();
        let Ok(ip) = literal.parse::<IpAddr>() else {
            return false;
        };
        let ip = ip.to_canonical();
        local.is_some_and(|local| local.ip().to_canonical() == ip)
            || interfaces().any(|interface| interface.ip() == ip)
    }

    /// What a request's `Origin` is to a relay that it calls `host`.
    pub(crate) fn judge(&self, origin: &str, host: &str, over: Over) -> Origin {
        let (origin, host) = (origin.to_lowercase(), host.to_lowercase());
        let own = match (origin.split_once("://"), over) {
            // No page comes from here over the relay's own encryption, and what says so could be somebody in between, who
            // would have a proof that is not bound to a connection.
            (Some(("http", of)), Over::Plain) => of == host,
            // The proxy ended the encryption.
            (Some(("https", of)), Over::Plain) => {
                of == host && without_port(&host).is_some_and(|name| self.domains.contains(&name))
            }
            _ => false,
        };
        if own || (origin != "null" && self.origins.contains(&origin)) {
            Origin::Welcome
        } else {
            Origin::Foreign
        }
    }

    /// Where a peer is. What comes through a proxy may come from anywhere.
    pub(crate) fn place(&self, peer: IpAddr, over: Over, forwarded: bool) -> Place {
        let proxied = forwarded || (over == Over::Plain && !self.domains.is_empty());
        if !proxied && is_near(peer) {
            Place::Local
        } else {
            Place::Remote
        }
    }
}

/// The host of a `Host` header, in lower case and without brackets.
fn without_port(host: &str) -> Option<String> {
    let (name, port) = if let Some(inner) = host.strip_prefix('[') {
        let (name, rest) = inner.split_once(']')?;
        (
            name,
            rest.strip_prefix(':')
                .or_else(|| rest.is_empty().then_some("0"))?,
        )
    } else {
        host.split_once(':').unwrap_or((host, "0"))
    };
    let name = name.trim_end_matches('.').to_lowercase();
    (port.parse::<u16>().is_ok() && !name.is_empty()).then_some(name)
}

/// Whether an address is of this computer, or of a network that it is in.
fn is_near(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let private = match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    private || interfaces().any(|interface| shares(&interface, address))
}

fn shares(interface: &if_addrs::Interface, address: IpAddr) -> bool {
    match (&interface.addr, address) {
        (if_addrs::IfAddr::V4(own), IpAddr::V4(address)) => {
            let mask = u32::from(own.netmask);
            mask != 0 && u32::from(own.ip) & mask == u32::from(address) & mask
        }
        (if_addrs::IfAddr::V6(own), IpAddr::V6(address)) => {
            let mask = u128::from(own.netmask);
            mask != 0 && u128::from(own.ip) & mask == u128::from(address) & mask
        }
        _ => false,
    }
}

/// Asked each time: computers change networks.
fn interfaces() -> impl Iterator<Item = if_addrs::Interface> {
    if_addrs::get_if_addrs().unwrap_or_default().into_iter()
}

#[cfg(test)]
mod tests {
    use super::Over::{Plain, Tls};
    use super::*;

    fn names() -> Names {
        Names::new(&RelayConfig {
            domains: vec!["Chat.Example".to_owned()],
            host_names: vec!["lab.school.example".to_owned()],
            origins: vec!["https://ui.example/".to_owned()],
            ..RelayConfig::default()
        })
    }

    #[test]
    fn f07_only_its_own_names_are_a_relays() {
        let names = names();
        let local = Some("203.0.113.7:4470".parse().unwrap());
        for own in [
            "localhost",
            "LOCALHOST:4470",
            "localhost.",
            "127.0.0.1:4470",
            "203.0.113.7",
            "203.0.113.7:4470",
            "[::ffff:203.0.113.7]:4470",
            "chat.example",
            "lab.school.example:443",
        ] {
            assert!(names.is_own(own, local), "{own}");
        }
        for other in [
            "",
            "evil.example",
            "localhost.evil.example",
            "evil.example:4470",
            "203.0.113.8",
            "203.0.113.7.evil.example",
            "localhost:http",
            "localhost:99999",
            "[localhost",
            "[::1]x",
            "chat.example@evil.example",
        ] {
            assert!(!names.is_own(other, local), "{other}");
        }
    }

    #[test]
    fn f05_a_page_is_the_relays_own_or_was_allowed() {
        let names = names();
        for (origin, host, over, expected) in [
            (
                "http://localhost:4470",
                "localhost:4470",
                Plain,
                Origin::Welcome,
            ),
            // Nothing that is served over the relay's own encryption is a page.
            (
                "https://localhost:4470",
                "localhost:4470",
                Tls,
                Origin::Foreign,
            ),
            (
                "https://chat.example",
                "chat.example",
                Plain,
                Origin::Welcome,
            ),
            ("https://UI.example", "localhost:4470", Tls, Origin::Welcome),
            (
                "https://ui.example",
                "localhost:4470",
                Plain,
                Origin::Welcome,
            ),
            (
                "https://localhost:4470",
                "localhost:4470",
                Plain,
                Origin::Foreign,
            ),
            (
                "http://localhost:4470",
                "localhost:4470",
                Tls,
                Origin::Foreign,
            ),
            (
                "http://localhost:8000",
                "localhost:4470",
                Plain,
                Origin::Foreign,
            ),
            ("http://localhost", "localhost:4470", Plain, Origin::Foreign),
            (
                "http://evil.example",
                "localhost:4470",
                Plain,
                Origin::Foreign,
            ),
            (
                "https://ui.example.evil.example",
                "localhost",
                Tls,
                Origin::Foreign,
            ),
            ("http://ui.example", "localhost", Tls, Origin::Foreign),
            ("null", "localhost", Tls, Origin::Foreign),
            ("", "", Tls, Origin::Foreign),
        ] {
            assert_eq!(names.judge(origin, host, over), expected, "{origin} {host}");
        }
    }

    #[test]
    fn what_is_near_is_local_unless_a_proxy_stands_between() {
        let config = RelayConfig::default();
        let (direct, proxied) = (Names::new(&config), names());
        let of = |text: &str| text.parse().unwrap();
        for near in [
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "192.168.1.5",
            "172.20.0.1",
            "169.254.1.1",
        ] {
            assert_eq!(
                direct.place(of(near), Over::Tls, false),
                Place::Local,
                "{near}"
            );
            assert_eq!(
                proxied.place(of(near), Over::Tls, false),
                Place::Local,
                "{near}"
            );
            assert_eq!(
                proxied.place(of(near), Over::Plain, false),
                Place::Remote,
                "{near}"
            );
            assert_eq!(
                direct.place(of(near), Over::Plain, false),
                Place::Local,
                "{near}"
            );
            for over in [Over::Plain, Over::Tls] {
                assert_eq!(direct.place(of(near), over, true), Place::Remote, "{near}");
            }
        }
        for near in ["fd00::1", "fe80::1", "::ffff:10.0.0.1"] {
            assert_eq!(
                direct.place(of(near), Over::Tls, false),
                Place::Local,
                "{near}"
            );
        }
        for far in [
            "8.8.8.8",
            "100.64.0.1",
            "172.32.0.1",
            "2001:db8::1",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(
                direct.place(of(far), Over::Tls, false),
                Place::Remote,
                "{far}"
            );
        }
    }
}
