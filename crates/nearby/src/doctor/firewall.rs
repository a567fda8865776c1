//! Firewalls of this computer: which there are, and whether they let ChatSpot in.

mod firewalld;
mod macos;
mod nftables;
mod packet;
mod ufw;
mod windows;

use chatspot_protocol::limits::{DOCTOR_PROGRAM, DOCTOR_STEP};
use chatspot_protocol::view::{Finding, Firewall, FirewallState, Level, Symptom};
use tokio::time::timeout;

#[cfg(test)]
pub(super) use self::firewalld::SERVICE as FIREWALLD_SERVICE;
pub(super) use self::nftables::within;
use self::nftables::{Culprit, Ruleset};
use self::packet::{Door, Passes, Scene};
pub(super) use self::packet::{neighbour, place};
#[cfg(test)]
pub(super) use self::ufw::PROFILE as UFW_PROFILE;
use super::system::{Platform, Said, System};
use crate::networks::Network;

/// What was seen of a firewall.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Off,
    On {
        /// What it keeps out.
        shut: Vec<Door>,
        fix: Vec<String>,
    },
    /// It is on, and does not tell.
    Unsure {
        fix: Vec<String>,
    },
}

/// Looks at all firewalls that this system may have.
pub(super) async fn look(
    system: &impl System,
    networks: &[Network],
    hosting: Option<u16>,
) -> Vec<Finding> {
    let Some(scene) = Scene::of(networks, hosting) else {
        return Vec::new();
    };
    let seen: Vec<(Firewall, Option<Seen>)> = match system.platform() {
        Platform::Linux => {
            let (ufw, firewalld, nftables) = tokio::join!(
                in_time(ufw::look(system, &scene)),
                in_time(firewalld::look(system, &scene)),
                in_time(look_at_nftables(system, &scene)),
            );
            vec![
                (Firewall::Ufw, ufw),
                (Firewall::Firewalld, firewalld),
                (Firewall::Nftables, nftables),
            ]
        }
        Platform::Windows => {
            vec![(
                Firewall::Windows,
                in_time(windows::look(system, &scene)).await,
            )]
        }
        Platform::Macos => vec![(Firewall::Macos, in_time(macos::look(system)).await)],
        Platform::Other => Vec::new(),
    };
    let mut findings: Vec<Finding> = seen
        .into_iter()
        .filter_map(|(firewall, seen)| Some(finding(firewall, seen?, hosting)))
        .collect();
    if findings.is_empty() {
        findings.push(Finding {
            level: Level::Note,
            what: Symptom::NoFirewall,
        });
    }
    findings
}

/// How bad a finding is, given how many others are heard. One that does not tell what it lets in is no worry to somebody
/// who hosts nothing and hears others.
pub(super) fn level(finding: &Finding, hosting: Option<u16>, others: usize) -> Level {
    match finding.what {
        Symptom::Firewall {
            state: FirewallState::Unsure,
            ..
        } if hosting.is_none() && others > 0 => Level::Note,
        _ => finding.level,
    }
}

async fn in_time(look: impl Future<Output = Option<Seen>>) -> Option<Seen> {
    timeout(DOCTOR_STEP, look).await.ok().flatten()
}

fn finding(firewall: Firewall, seen: Seen, hosting: Option<u16>) -> Finding {
    let (level, state, fix) = match seen {
        Seen::Off => (Level::Good, FirewallState::Off, Vec::new()),
        Seen::On { shut, fix } => {
            let state = if shut.is_empty() {
                FirewallState::Lets
            } else {
                FirewallState::Blocks
            };
            (packet::level(&shut, hosting), state, fix)
        }
        Seen::Unsure { fix } => (Level::Doubtful, FirewallState::Unsure, fix),
    };
    Finding {
        level,
        what: Symptom::Firewall {
            firewall,
            state,
            fix,
        },
    }
}

/// A way through settings, their names outermost first.
fn way(names: &[&str]) -> String {
    names.join(" › ")
}

/// The doors that are not open. What is not sure counts as open: a firewall that somebody set up by hand is rarely what
/// they forgot.
fn shut_of(passes: impl Fn(Door) -> Passes) -> Vec<Door> {
    let doors = Door::ALL.into_iter();
    doors.filter(|door| passes(*door) == Passes::No).collect()
}

/// Where Debian keeps rules of one's own, and what loads them at the start.
const NFTABLES: &str = "/etc/nftables.conf";
const NFTABLES_LOADED: [&str; 2] = [
    "/etc/systemd/system/sysinit.target.wants/nftables.service",
    "/etc/systemd/system/multi-user.target.wants/nftables.service",
];

async fn look_at_nftables(system: &impl System, scene: &Scene) -> Option<Seen> {
    let said = system.run("nft", &["-j", "list", "ruleset"], DOCTOR_PROGRAM);
    let printed = said.await.and_then(Said::fine);
    if let Some(ruleset) = printed.as_deref().and_then(Ruleset::parse) {
        let ruleset = ruleset.without(|table, chains| {
            table == "firewalld" || chains.iter().any(|chain| chain.starts_with("ufw"))
        });
        return judge(&ruleset, scene);
    }
    for loaded in NFTABLES_LOADED {
        if system.exists(loaded).await {
            let rules = system.read(NFTABLES).await?;
            let refuses = ["policy drop", " drop", " reject"];
            let filters = rules.contains("hook input")
                && refuses.iter().any(|refusal| rules.contains(refusal));
            return filters.then(|| Seen::Unsure {
                // Which chain it is cannot be seen from here; this is where nearly everybody has it.
                fix: Culprit::usual().lines(&Door::ALL),
            });
        }
    }
    None
}

/// What a rule set does; none where it filters nothing that comes in.
fn judge(ruleset: &Ruleset, scene: &Scene) -> Option<Seen> {
    if !ruleset.filters() {
        return None;
    }
    let all = Door::ALL.map(|door| (door, ruleset.passes(scene, door)));
    let shut = shut_of(|door| {
        let found = all.iter().find(|(one, _)| *one == door);
        found.map_or(Passes::Unsure, |(_, (passes, _))| *passes)
    });
    let culprit = |passes| {
        let found = all.iter().find(|(_, (one, _))| *one == passes);
        found.and_then(|(_, (_, culprit))| culprit.clone())
    };
    if let Some(culprit) = culprit(Passes::No) {
        let fix = culprit.lines(&shut);
        return Some(Seen::On { shut, fix });
    }
    if let Some(culprit) = culprit(Passes::Unsure) {
        let unsure: Vec<Door> = all
            .iter()
            .filter(|(_, (passes, _))| *passes == Passes::Unsure)
            .map(|(door, _)| *door)
            .collect();
        return Some(Seen::Unsure {
            fix: culprit.lines(&unsure),
        });
    }
    Some(Seen::On {
        shut,
        fix: Vec::new(),
    })
}
