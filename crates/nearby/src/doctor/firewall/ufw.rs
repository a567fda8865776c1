//! Ubuntu's firewall. Whether it is on everybody may read; its rules only an administrator.

use chatspot_protocol::limits::{BEACON_PORT, DEFAULT_PORT, DOCTOR_PROGRAM, PORT_TRIES};

use super::packet::{Door, Passes, Scene};
use super::{Seen, shut_of};
use crate::doctor::system::System;

const SETTINGS: &str = "/etc/ufw/ufw.conf";
/// Comes with the packages of ChatSpot.
pub(in crate::doctor) const PROFILE: &str = "/etc/ufw/applications.d/chatspot";

pub(super) async fn look(system: &impl System, scene: &Scene) -> Option<Seen> {
    let settings = system.read(SETTINGS).await?;
    if !is_on(&settings) {
        return Some(Seen::Off);
    }
    let profile = system.exists(PROFILE).await;
    let said = system.run("ufw", &["status", "verbose"], DOCTOR_PROGRAM);
    let status = said.await.and_then(super::super::system::Said::fine);
    let rules = status.as_deref().and_then(Rules::parse);
    let Some(rules) = rules else {
        return Some(Seen::Unsure {
            fix: fix(profile, &Door::ALL),
        });
    };
    let shut = shut_of(|door| rules.passes(scene, door));
    let fix = fix(profile, &shut);
    Some(Seen::On { shut, fix })
}

/// What `/etc/ufw/ufw.conf` says.
fn is_on(settings: &str) -> bool {
    settings.lines().any(|line| {
        let value = line.trim().strip_prefix("ENABLED=");
        value.is_some_and(|value| value.trim_matches('"').eq_ignore_ascii_case("yes"))
    })
}

/// What `ufw status verbose` prints.
#[derive(Debug, Default)]
struct Rules {
    /// What becomes of what no rule names.
    lets_others: bool,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    /// Such as `4470/tcp`, `4470:4489/tcp`, `5353`, `ChatSpot`, `Anywhere` or `192.168.1.5 4470/tcp`.
    to: String,
    lets: bool,
    from: String,
}

impl Rules {
    /// None where ufw is not on after all, or says nothing that is known.
    fn parse(status: &str) -> Option<Self> {
        let mut lines = status.lines();
        lines.find(|line| line.trim() == "Status: active")?;
        let mut rules = Self::default();
        for line in lines {
            if let Some(default) = line.strip_prefix("Default: ") {
                rules.lets_others = default.starts_with("allow (incoming)");
                continue;
            }
            let action = [" ALLOW IN ", " LIMIT IN ", " DENY IN ", " REJECT IN "];
            let Some((action, (to, from))) = action
                .iter()
                .find_map(|action| Some((*action, line.split_once(action)?)))
            else {
                continue;
            };
            rules.rules.push(Rule {
                to: to.trim().to_owned(),
                lets: matches!(action, " ALLOW IN " | " LIMIT IN "),
                from: from.trim().to_owned(),
            });
        }
        Some(rules)
    }

    fn passes(&self, scene: &Scene, door: Door) -> Passes {
        // Its own first rules let mDNS in, whatever else is said (/etc/ufw/before.rules).
        if door == Door::Mdns {
            return Passes::Yes;
        }
        let v6 = scene.here.is_ipv6();
        let mut unsure = false;
        for rule in &self.rules {
            if rule.to.contains("(v6)") != v6 {
                continue;
            }
            // The application's name stands behind: `4470/udp (ChatSpot)`.
            let to = rule.to.replace("(v6)", "");
            let to = to.split(" (").next().unwrap_or(&to).trim();
            // One interface only.
            let (to, interface) = match to.split_once(" on ") {
                Some((to, interface)) => (to.trim(), Some(interface.trim())),
                None => (to.trim(), None),
            };
            if interface.is_some_and(|interface| interface != scene.interface)
                || !names(to, scene, door)
            {
                continue;
            }
            if !rule.from.starts_with("Anywhere") {
                unsure |= rule.lets != self.lets_others;
                continue;
            }
            return match (rule.lets, unsure) {
                (_, true) => Passes::Unsure,
                (true, false) => Passes::Yes,
                (false, false) => Passes::No,
            };
        }
        match (self.lets_others, unsure) {
            (_, true) => Passes::Unsure,
            (true, false) => Passes::Yes,
            (false, false) => Passes::No,
        }
    }
}

/// Whether the left column of a rule names this door.
fn names(to: &str, scene: &Scene, door: Door) -> bool {
    if to == "Anywhere" || to == "ChatSpot" {
        return true;
    }
    let (ports, protocol) = to.split_once('/').unwrap_or((to, door.protocol()));
    if protocol != door.protocol() {
        return false;
    }
    let wanted = door.port(scene.rooms);
    ports.split(',').any(|ports| {
        let (first, last) = ports.split_once(':').unwrap_or((ports, ports));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) => (first..=last).contains(&wanted),
            _ => false,
        }
    })
}

fn fix(profile: bool, shut: &[Door]) -> Vec<String> {
    if shut.is_empty() {
        return Vec::new();
    }
    if profile {
        return vec!["sudo ufw allow ChatSpot".to_owned()];
    }
    let last = DEFAULT_PORT + PORT_TRIES - 1;
    shut.iter()
        .filter_map(|door| match door {
            Door::Rooms => Some(format!("sudo ufw allow {DEFAULT_PORT}:{last}/tcp")),
            Door::Beacons => Some(format!("sudo ufw allow {BEACON_PORT}/udp")),
            // It comes in already, to its own group; a line here would open the port to everybody.
            Door::Mdns => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: &str = include_str!("../recorded/ufw-on.txt");
    const ALLOWED: &str = include_str!("../recorded/ufw-allowed.txt");
    const PROFILE_ALLOWED: &str = include_str!("../recorded/ufw-profile.txt");

    fn scene() -> Scene {
        Scene {
            interface: "eth0".to_owned(),
            here: "192.168.7.5".parse().unwrap(),
            there: "192.168.7.4".parse().unwrap(),
            rooms: 4470,
        }
    }

    #[test]
    fn what_ufw_prints_says_which_doors_are_shut() {
        let cases: &[(&str, &[Door])] = &[
            (ON, &[Door::Rooms, Door::Beacons]),
            (ALLOWED, &[]),
            (PROFILE_ALLOWED, &[]),
        ];
        for (printed, shut) in cases {
            let rules = Rules::parse(printed).unwrap();
            assert_eq!(
                shut_of(|door| rules.passes(&scene(), door)),
                *shut,
                "{printed}"
            );
        }
        assert!(Rules::parse("Status: inactive\n").is_none());
    }

    #[test]
    fn rules_are_read_as_they_are_written() {
        let cases = [
            ("4470/tcp ALLOW IN Anywhere", Passes::Yes),
            ("4470 ALLOW IN Anywhere", Passes::Yes),
            ("4000:5000/tcp ALLOW IN Anywhere", Passes::Yes),
            ("22,4470/tcp ALLOW IN Anywhere", Passes::Yes),
            ("4470/tcp LIMIT IN Anywhere", Passes::Yes),
            ("4470/tcp on eth0 ALLOW IN Anywhere", Passes::Yes),
            ("4470/tcp on wlan0 ALLOW IN Anywhere", Passes::No),
            ("4470/tcp (v6) ALLOW IN Anywhere (v6)", Passes::No),
            ("4470/udp ALLOW IN Anywhere", Passes::No),
            ("4471/tcp ALLOW IN Anywhere", Passes::No),
            ("4470/tcp ALLOW IN 10.0.0.0/8", Passes::Unsure),
            (
                "4470/tcp DENY IN Anywhere\n4470 ALLOW IN Anywhere",
                Passes::No,
            ),
            ("4470/tcp DENY IN 10.0.0.0/8", Passes::No),
        ];
        for (rules, passes) in cases {
            let status =
                format!("Status: active\nDefault: deny (incoming), allow (outgoing)\n{rules}\n");
            let rules = Rules::parse(&status).unwrap();
            assert_eq!(rules.passes(&scene(), Door::Rooms), passes, "{status}");
        }
    }

    #[test]
    fn the_settings_say_whether_it_is_on() {
        let on = include_str!("../recorded/ufw-conf-on.txt");
        assert!(is_on(on));
        assert!(!is_on(&on.replace("ENABLED=yes", "ENABLED=no")));
        assert!(!is_on("# ENABLED=yes\n"));
    }

    #[test]
    fn what_mends_it_names_the_profile_where_there_is_one() {
        assert_eq!(fix(true, &[Door::Beacons]), ["sudo ufw allow ChatSpot"]);
        assert_eq!(
            fix(false, &Door::ALL),
            ["sudo ufw allow 4470:4489/tcp", "sudo ufw allow 4470/udp"]
        );
        assert!(fix(true, &[]).is_empty());
    }
}
