//! Fedora's firewall. Whoever sits at the computer may ask it what it lets in.

use std::collections::BTreeSet;

use chatspot_protocol::limits::{BEACON_PORT, DEFAULT_PORT, DOCTOR_PROGRAM, PORT_TRIES};

use super::packet::{Door, Passes, Scene};
use super::{Seen, shut_of};
use crate::doctor::system::{Said, System};

/// Comes with the packages of ChatSpot.
pub(in crate::doctor) const SERVICE: &str = "/usr/lib/firewalld/services/chatspot.xml";
/// What `firewall-cmd --state` ends with where the program is there and the firewall is off (`NOT_RUNNING`).
const NOT_RUNNING: i32 = 252;
/// What it ends with where it must not tell (`NOT_AUTHORIZED`).
const NOT_AUTHORIZED: i32 = 253;

pub(super) async fn look(system: &impl System, scene: &Scene) -> Option<Seen> {
    let ask = async |args: &[&str]| system.run("firewall-cmd", args, DOCTOR_PROGRAM).await;
    let state = ask(&["--state"]).await?;
    let service = system.exists(SERVICE).await;
    let unsure = |zone: Option<&str>| Seen::Unsure {
        fix: fix(service, zone, &Door::ALL),
    };
    match state.code {
        Some(0) => {}
        Some(NOT_RUNNING) => return Some(Seen::Off),
        Some(NOT_AUTHORIZED) => return Some(unsure(None)),
        _ => return None,
    }
    let of_interface = format!("--get-zone-of-interface={}", scene.interface);
    let zone = match ask(&[&of_interface]).await.and_then(Said::fine) {
        Some(zone) => zone,
        // An interface that no zone names is in the default one.
        None => match ask(&["--get-default-zone"]).await.and_then(Said::fine) {
            Some(zone) => zone,
            None => return Some(unsure(None)),
        },
    };
    let zone = zone.trim();
    let Some(listed) = ask(&[&format!("--zone={zone}"), "--list-all"])
        .await
        .and_then(Said::fine)
    else {
        return Some(unsure(Some(zone)));
    };
    let zone_lets = Zone::parse(&listed);
    let shut = shut_of(|door| zone_lets.passes(scene, door));
    let fix = fix(service, Some(zone), &shut);
    Some(Seen::On { shut, fix })
}

/// What `firewall-cmd --list-all` prints of a zone.
#[derive(Debug, Default)]
struct Zone {
    target: String,
    services: BTreeSet<String>,
    ports: Vec<String>,
    rich: bool,
}

impl Zone {
    fn parse(listed: &str) -> Self {
        let mut zone = Self::default();
        let mut lines = listed.lines().map(str::trim).peekable();
        while let Some(line) = lines.next() {
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let words = value.split_whitespace().map(ToOwned::to_owned);
            match key {
                "target" => value.trim().clone_into(&mut zone.target),
                "services" => zone.services = words.collect(),
                "ports" => zone.ports = words.collect(),
                "rich rules" => {
                    zone.rich = lines.peek().is_some_and(|next| next.starts_with("rule"));
                }
                _ => {}
            }
        }
        zone
    }

    fn passes(&self, scene: &Scene, door: Door) -> Passes {
        let named = self.services.contains("chatspot")
            || (door == Door::Mdns && self.services.contains("mdns"))
            || self.ports.iter().any(|ports| names(ports, scene, door));
        if named || self.target == "ACCEPT" {
            Passes::Yes
        } else if self.rich {
            Passes::Unsure
        } else {
            Passes::No
        }
    }
}

/// Whether `4470-4489/tcp` and the like name this door.
fn names(ports: &str, scene: &Scene, door: Door) -> bool {
    let Some((ports, protocol)) = ports.split_once('/') else {
        return false;
    };
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let range = first.parse::<u16>().ok().zip(last.parse::<u16>().ok());
    protocol == door.protocol()
        && range.is_some_and(|(first, last)| (first..=last).contains(&door.port(scene.rooms)))
}

fn fix(service: bool, zone: Option<&str>, shut: &[Door]) -> Vec<String> {
    if shut.is_empty() {
        return Vec::new();
    }
    let zone = zone
        .map(|zone| format!(" --zone={zone}"))
        .unwrap_or_default();
    let what: String = if service {
        " --add-service=chatspot".to_owned()
    } else {
        let last = DEFAULT_PORT + PORT_TRIES - 1;
        let ports = shut.iter().map(|door| match door {
            Door::Rooms => format!(" --add-port={DEFAULT_PORT}-{last}/tcp"),
            Door::Beacons => format!(" --add-port={BEACON_PORT}/udp"),
            // The port alone would be open to everybody; the service is for its group only.
            Door::Mdns => " --add-service=mdns".to_owned(),
        });
        ports.collect()
    };
    let reload = || "sudo firewall-cmd --reload".to_owned();
    let mut lines = vec![
        format!("sudo firewall-cmd --permanent{zone}{what}"),
        reload(),
    ];
    if service {
        // It knows no service that was installed since it started.
        lines.insert(0, reload());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str = include_str!("../recorded/firewalld-public.txt");
    const ALLOWED: &str = include_str!("../recorded/firewalld-allowed.txt");
    const HOME: &str = include_str!("../recorded/firewalld-home.txt");
    const TRUSTED: &str = include_str!("../recorded/firewalld-trusted.txt");
    const SERVICE_ADDED: &str = include_str!("../recorded/firewalld-service.txt");

    fn scene() -> Scene {
        Scene {
            interface: "eth0".to_owned(),
            here: "192.168.7.5".parse().unwrap(),
            there: "192.168.7.4".parse().unwrap(),
            rooms: 4473,
        }
    }

    #[test]
    fn what_firewalld_prints_says_which_doors_are_shut() {
        // Fedora's zone for desktops, which no other system has.
        let workstation = PUBLIC.replace("ports: ", "ports: 1025-65535/udp 1025-65535/tcp");
        let rich = format!("{PUBLIC}\trule family=\"ipv4\" source address=\"10.0.0.0/8\" accept\n");
        let cases: &[(&str, &[Door])] = &[
            (PUBLIC, &Door::ALL),
            (HOME, &[Door::Rooms, Door::Beacons]),
            (TRUSTED, &[]),
            (ALLOWED, &[]),
            (SERVICE_ADDED, &[]),
            (&workstation, &[]),
        ];
        for (printed, shut) in cases {
            let zone = Zone::parse(printed);
            assert_eq!(
                shut_of(|door| zone.passes(&scene(), door)),
                *shut,
                "{printed}"
            );
        }
        assert_eq!(
            Zone::parse(&rich).passes(&scene(), Door::Rooms),
            Passes::Unsure
        );
    }

    #[test]
    fn what_mends_it_names_the_zone() {
        assert_eq!(
            fix(true, Some("public"), &[Door::Rooms]),
            [
                "sudo firewall-cmd --reload",
                "sudo firewall-cmd --permanent --zone=public --add-service=chatspot",
                "sudo firewall-cmd --reload"
            ]
        );
        assert_eq!(
            fix(false, None, &Door::ALL)[0],
            "sudo firewall-cmd --permanent --add-port=4470-4489/tcp --add-port=4470/udp --add-service=mdns"
        );
        assert!(fix(true, None, &[]).is_empty());
    }
}
