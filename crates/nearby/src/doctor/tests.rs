//! Each symptom, both ways, with a system that answers what a test says.

use std::collections::HashMap;
use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use chatspot_protocol::beacon::Cast;
use chatspot_protocol::view::{
    Finding, Firewall, FirewallState, Level, Passage, PortState, Symptom, VpnTakes,
};
use tokio::time::{Instant, timeout};

use super::system::{Platform, Reach, Said, System};
use super::{Questions, examine_with};
use crate::networks::Network;
use crate::{Echo, Echoes, Reach as Way, Ways, addresses};

/// Networks by interface and `address/prefix`.
pub(super) fn networks(given: &[(&str, &str)]) -> Vec<Network> {
    given
        .iter()
        .zip(1..)
        .map(|((interface, address), index)| {
            let (ip, prefix) = address.split_once('/').unwrap();
            let ip: IpAddr = ip.parse().unwrap();
            Network {
                interface: (*interface).to_owned(),
                index,
                kind: addresses::kind(interface, ip),
                ip,
                prefix: prefix.parse().unwrap(),
                broadcast: None,
            }
        })
        .collect()
}

/// A system that answers what a test says; what the test says nothing of is not there.
#[derive(Debug, Clone)]
struct Fake {
    platform: Platform,
    programs: HashMap<String, Said>,
    files: HashMap<String, String>,
    reach: HashMap<SocketAddr, Reach>,
    sources: Vec<(&'static str, &'static str)>,
    /// Nothing ever answers.
    hangs: bool,
}

impl Fake {
    fn new(platform: Platform) -> Self {
        Self {
            platform,
            programs: HashMap::new(),
            files: HashMap::new(),
            reach: HashMap::new(),
            sources: Vec::new(),
            hangs: false,
        }
    }

    fn says(mut self, command: &str, code: i32, out: &str) -> Self {
        let said = Said {
            code: Some(code),
            out: out.to_owned(),
        };
        self.programs.insert(command.to_owned(), said);
        self
    }

    fn has(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.to_owned());
        self
    }

    fn reaches(mut self, address: &str, reach: Reach) -> Self {
        self.reach.insert(address.parse().unwrap(), reach);
        self
    }

    fn goes(mut self, to: &'static str, from: &'static str) -> Self {
        self.sources.push((to, from));
        self
    }
}

impl System for Fake {
    fn platform(&self) -> Platform {
        self.platform
    }

    fn program(&self) -> Option<String> {
        Some(r"C:\Program Files\ChatSpot\chatspot.exe".to_owned())
    }

    async fn run(&self, program: &str, args: &[&str], patience: Duration) -> Option<Said> {
        if self.hangs {
            let never = timeout(patience, pending::<()>()).await;
            assert!(never.is_err());
            return None;
        }
        let command = format!("{program} {}", args.join(" "));
        let said = self
            .programs
            .iter()
            .find(|(asked, _)| command.starts_with(asked.as_str()));
        said.map(|(_, said)| said.clone())
    }

    async fn read(&self, path: &str) -> Option<String> {
        if self.hangs {
            pending::<()>().await;
        }
        self.files.get(path).cloned()
    }

    async fn exists(&self, path: &str) -> bool {
        if self.hangs {
            pending::<()>().await;
        }
        self.files.contains_key(path)
    }

    async fn reach(&self, to: SocketAddr) -> Reach {
        if self.hangs {
            tokio::time::sleep(chatspot_protocol::limits::DOCTOR_DIAL).await;
        }
        self.reach.get(&to).copied().unwrap_or(Reach::Silent)
    }

    fn nudge(&self, _to: SocketAddr) {}

    fn source(&self, to: IpAddr) -> Option<IpAddr> {
        let to = to.to_string();
        let (_, from) = self
            .sources
            .iter()
            .find(|(start, _)| to.starts_with(start))?;
        Some(from.parse().unwrap())
    }
}

const LAN: &[(&str, &str)] = &[("lo", "127.0.0.1/8"), ("eth0", "192.168.7.5/24")];
const ROUTE: &str = include_str!("recorded/proc-net-route.txt");
const ARP: &str = include_str!("recorded/proc-net-arp.txt");

/// Nobody answered, though something could be sent.
fn silence() -> Echoes {
    Echoes {
        ways: Ways {
            multicast: Way::Somewhere,
            broadcast: Way::Somewhere,
        },
        ..Echoes::default()
    }
}

async fn examined(system: &Fake, given: &[(&str, &str)], questions: Questions) -> Vec<Finding> {
    let networks = networks(given);
    examine_with(system, &networks, async { silence() }, &questions).await
}

fn hosting() -> Questions {
    Questions {
        hosting: Some(4470),
        ..Questions::default()
    }
}

fn firewall_of(findings: &[Finding]) -> (Level, Option<(Firewall, FirewallState, Vec<String>)>) {
    let mut all = findings.iter().filter_map(|finding| match &finding.what {
        Symptom::Firewall {
            firewall,
            state,
            fix,
        } => Some((finding.level, Some((*firewall, *state, fix.clone())))),
        Symptom::NoFirewall => Some((finding.level, None)),
        _ => None,
    });
    let first = all.next().unwrap();
    assert!(all.next().is_none(), "{findings:?}");
    first
}

#[tokio::test(start_paused = true)]
async fn it_ends_in_less_than_ten_seconds_whatever_hangs() {
    for platform in [
        Platform::Linux,
        Platform::Windows,
        Platform::Macos,
        Platform::Other,
    ] {
        let system = Fake {
            hangs: true,
            ..Fake::new(platform)
        };
        let began = Instant::now();
        let questions = Questions {
            known: vec![vec!["192.168.7.9:4470".parse().unwrap()]],
            ..hosting()
        };
        let networks = networks(LAN);
        let findings = examine_with(&system, &networks, pending(), &questions).await;
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{platform:?}: {:?}",
            began.elapsed()
        );
        let says = |wanted: fn(&Symptom) -> bool| findings.iter().any(|one| wanted(&one.what));
        assert!(says(|what| matches!(what, Symptom::Networks { .. })));
        assert!(says(|what| matches!(what, Symptom::Port { .. })));
        assert!(says(|what| matches!(what, Symptom::Peers { .. })));
    }
}

#[tokio::test(start_paused = true)]
async fn the_worst_comes_first() {
    let findings = examined(&Fake::new(Platform::Linux), LAN, hosting()).await;
    let levels: Vec<Level> = findings.iter().map(|finding| finding.level).collect();
    assert!(levels.is_sorted(), "{findings:?}");
    assert_eq!(levels[0], Level::Bad, "{findings:?}");
}

#[tokio::test(start_paused = true)]
async fn f71_a_port_is_open_or_closed_or_another_one() {
    let cases = [
        (None, "192.168.7.5:4470", Level::Note, PortState::NotHosting),
        (
            Some(4470),
            "192.168.7.5:4470",
            Level::Good,
            PortState::Open {
                port: 4470,
                usual: true,
            },
        ),
        (
            Some(4471),
            "192.168.7.5:4471",
            Level::Note,
            PortState::Open {
                port: 4471,
                usual: false,
            },
        ),
        (
            Some(4471),
            "192.168.7.5:4470",
            Level::Bad,
            PortState::Closed { port: 4471 },
        ),
    ];
    for (hosting, open, level, expected) in cases {
        let system = Fake::new(Platform::Linux).reaches(open, Reach::Open);
        let questions = Questions {
            hosting,
            ..Questions::default()
        };
        let findings = examined(&system, LAN, questions).await;
        let port = Symptom::Port { port: expected };
        let finding = Finding { level, what: port };
        assert!(findings.contains(&finding), "{finding:?} in {findings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_firewall_is_said() {
    let findings = examined(&Fake::new(Platform::Linux), LAN, hosting()).await;
    assert_eq!(firewall_of(&findings), (Level::Note, None));
}

#[tokio::test(start_paused = true)]
async fn ufw_is_seen() {
    let conf = include_str!("recorded/ufw-conf-on.txt");
    let on = Fake::new(Platform::Linux).has("/etc/ufw/ufw.conf", conf);
    let profile = on.clone().has("/etc/ufw/applications.d/chatspot", "");
    let status = "ufw status verbose";
    let strict = include_str!("recorded/ufw-on.txt");
    let allowed = include_str!("recorded/ufw-profile.txt");
    let off = Fake::new(Platform::Linux).has("/etc/ufw/ufw.conf", "ENABLED=no\n");
    let cases = [
        (off, None, Level::Good, FirewallState::Off, None),
        // Only an administrator may ask for its rules.
        (
            on.clone(),
            Some(4470),
            Level::Doubtful,
            FirewallState::Unsure,
            Some("sudo ufw allow 4470:4489/tcp"),
        ),
        (
            profile.clone(),
            Some(4470),
            Level::Doubtful,
            FirewallState::Unsure,
            Some("sudo ufw allow ChatSpot"),
        ),
        (
            profile.clone().says(status, 0, strict),
            Some(4470),
            Level::Bad,
            FirewallState::Blocks,
            Some("sudo ufw allow ChatSpot"),
        ),
        (
            on.says(status, 0, strict),
            None,
            Level::Doubtful,
            FirewallState::Blocks,
            Some("sudo ufw allow 4470:4489/tcp"),
        ),
        (
            profile.says(status, 0, allowed),
            Some(4470),
            Level::Good,
            FirewallState::Lets,
            None,
        ),
    ];
    for (system, hosting, level, state, fix) in cases {
        let questions = Questions {
            hosting,
            ..Questions::default()
        };
        let findings = examined(&system, LAN, questions).await;
        let (found, firewall) = firewall_of(&findings);
        let (which, seen, lines) = firewall.unwrap();
        assert_eq!(
            (which, found, seen),
            (Firewall::Ufw, level, state),
            "{system:?}"
        );
        assert_eq!(lines.first().map(String::as_str), fix, "{system:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_firewall_that_does_not_tell_is_no_worry_to_those_who_hear_others() {
    let conf = include_str!("recorded/ufw-conf-on.txt");
    let system = Fake::new(Platform::Linux).has("/etc/ufw/ufw.conf", conf);
    let cases = [
        (None, 0, Level::Doubtful),
        (None, 1, Level::Note),
        (Some(4470), 1, Level::Doubtful),
    ];
    for (hosting, heard, level) in cases {
        let questions = Questions {
            hosting,
            heard,
            ..Questions::default()
        };
        let findings = examined(&system, LAN, questions).await;
        assert_eq!(firewall_of(&findings).0, level, "{hosting:?} {heard}");
    }
}

#[tokio::test(start_paused = true)]
async fn firewalld_is_seen() {
    let running = Fake::new(Platform::Linux)
        .says("firewall-cmd --state", 0, "running\n")
        .says("firewall-cmd --get-zone-of-interface=eth0", 0, "public\n");
    let list = "firewall-cmd --zone=public --list-all";
    let public = include_str!("recorded/firewalld-public.txt");
    let service = include_str!("recorded/firewalld-service.txt");
    let default = Fake::new(Platform::Linux)
        .says("firewall-cmd --state", 0, "running\n")
        .says("firewall-cmd --get-zone-of-interface", 2, "no zone\n")
        .says("firewall-cmd --get-default-zone", 0, "public\n");
    let alone = |code| Fake::new(Platform::Linux).says("firewall-cmd --state", code, "");
    let cases = [
        (alone(252), Level::Good, FirewallState::Off),
        (alone(253), Level::Doubtful, FirewallState::Unsure),
        (running.clone(), Level::Doubtful, FirewallState::Unsure),
        (
            running.clone().says(list, 0, public),
            Level::Bad,
            FirewallState::Blocks,
        ),
        (
            default.says(list, 0, public),
            Level::Bad,
            FirewallState::Blocks,
        ),
        (
            running.says(list, 0, service),
            Level::Good,
            FirewallState::Lets,
        ),
    ];
    for (system, level, state) in cases {
        let findings = examined(&system, LAN, hosting()).await;
        let (found, firewall) = firewall_of(&findings);
        let (which, seen, _) = firewall.unwrap();
        assert_eq!(
            (which, found, seen),
            (Firewall::Firewalld, level, state),
            "{system:?}"
        );
    }
    // The program is there and no bus to ask over.
    let findings = examined(&alone(36), LAN, hosting()).await;
    assert_eq!(firewall_of(&findings), (Level::Note, None));
}

#[tokio::test(start_paused = true)]
async fn nftables_are_seen() {
    let nft = |json: &str| Fake::new(Platform::Linux).says("nft -j list ruleset", 0, json);
    let conf =
        "table inet filter { chain input { type filter hook input priority 0; policy drop; } }";
    let loaded = "/etc/systemd/system/sysinit.target.wants/nftables.service";
    let saved = Fake::new(Platform::Linux).has("/etc/nftables.conf", conf);
    let insert = "sudo nft insert rule inet filter input tcp dport 4470-4489 accept";
    let cases = [
        (
            nft(include_str!("recorded/nft-drop.json")),
            Some((FirewallState::Blocks, Some(insert))),
        ),
        (
            nft(include_str!("recorded/nft-allowed.json")),
            Some((FirewallState::Lets, None)),
        ),
        // What firewalld made is firewalld's to tell.
        (nft(include_str!("recorded/nft-firewalld.json")), None),
        (nft(r#"{"nftables":[]}"#), None),
        (saved.clone(), None),
        (
            saved.has(loaded, ""),
            Some((FirewallState::Unsure, Some(insert))),
        ),
    ];
    for (system, expected) in cases {
        let findings = examined(&system, LAN, hosting()).await;
        let (_, firewall) = firewall_of(&findings);
        let seen = firewall.map(|(which, state, fix)| {
            assert_eq!(which, Firewall::Nftables);
            (state, fix.first().cloned())
        });
        let expected = expected.map(|(state, fix)| (state, fix.map(ToOwned::to_owned)));
        assert_eq!(seen, expected, "{system:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_firewall_of_windows_is_seen() {
    let rule = |action: &str, profile: &str| {
        format!(
            "    {{X}}    REG_SZ    v2.31|Action={action}|Active=TRUE|Dir=In|Profile={profile}|App=C:\\Program Files\\ChatSpot\\chatspot.exe|Name=ChatSpot|\r\n"
        )
    };
    let system = |category: u8, rules: &str, enabled: &str| {
        let network = format!(r#"{{"Interface":"eth0","Category":{category}}}"#);
        let policy = r"reg.exe query HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy";
        Fake::new(Platform::Windows)
            .says("powershell.exe", 0, &network)
            .says(&format!(r"{policy}\FirewallRules"), 0, rules)
            .says(&format!(r"{policy}\PublicProfile"), 0, enabled)
            .says(&format!(r"{policy}\StandardProfile"), 0, enabled)
            .says(&format!(r"{policy}\DomainProfile"), 0, enabled)
    };
    let (on, off) = (
        "    EnableFirewall    REG_DWORD    0x1\r\n",
        "    EnableFirewall    REG_DWORD    0x0\r\n",
    );
    let private = rule("Allow", "Private");
    let turn = "Network profile type: Private network";
    let tick = "ChatSpot: Private";
    let both = "ChatSpot: Private (and Public, where the network has to stay public)";
    let cases: [(Fake, FirewallState, &[&str]); 8] = [
        (system(1, &private, on), FirewallState::Lets, &[]),
        (system(0, &private, on), FirewallState::Blocks, &[turn]),
        (system(0, "", on), FirewallState::Blocks, &[turn, both]),
        (system(1, "", on), FirewallState::Blocks, &[tick]),
        (
            system(1, &rule("Block", "Private"), on),
            FirewallState::Blocks,
            &[tick],
        ),
        (
            system(2, &private, on),
            FirewallState::Blocks,
            &["ChatSpot: Domain"],
        ),
        (system(1, "", off), FirewallState::Off, &[]),
        (Fake::new(Platform::Windows), FirewallState::Unsure, &[tick]),
    ];
    for (system, state, fix) in cases {
        let findings = examined(&system, LAN, hosting()).await;
        let (which, seen, ways) = firewall_of(&findings).1.unwrap();
        assert_eq!((which, seen), (Firewall::Windows, state), "{system:?}");
        let last = |way: &String| way.rsplit(" › ").next().map(ToOwned::to_owned);
        let ends: Vec<String> = ways.iter().filter_map(last).collect();
        assert_eq!(ends, fix, "{system:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_firewall_of_macos_is_seen() {
    let program = "/usr/libexec/ApplicationFirewall/socketfilterfw";
    let system = |app: &str| {
        Fake::new(Platform::Macos)
            .says(
                &format!("{program} --getglobalstate"),
                0,
                "Firewall is enabled. (State = 1)\n",
            )
            .says(
                &format!("{program} --getblockall"),
                0,
                "Block all DISABLED!\n",
            )
            .says(&format!("{program} --getappblocked"), 0, app)
    };
    let cases = [
        (
            "Incoming connection to the application is permitted",
            FirewallState::Lets,
        ),
        (
            "Incoming connection to the application is blocked",
            FirewallState::Blocks,
        ),
    ];
    for (app, state) in cases {
        let findings = examined(&system(app), LAN, hosting()).await;
        let (which, seen, _) = firewall_of(&findings).1.unwrap();
        assert_eq!((which, seen), (Firewall::Macos, state));
    }
}

#[tokio::test(start_paused = true)]
async fn a_vpn_takes_the_local_network_or_leaves_it() {
    let both: &[(&str, &str)] = &[("eth0", "192.168.7.5/24"), ("tun0", "10.8.0.2/24")];
    let far = Fake::new(Platform::Linux).goes("198.51.100.", "10.8.0.2");
    let cases = [
        (
            far.clone().goes("192.168.7.", "10.8.0.2"),
            Some((Level::Bad, VpnTakes::LocalNetwork)),
        ),
        (
            far.goes("192.168.7.", "192.168.7.5"),
            Some((Level::Note, VpnTakes::Elsewhere)),
        ),
        (Fake::new(Platform::Linux).goes("1", "192.168.7.5"), None),
    ];
    for (system, expected) in cases {
        let findings = examined(&system, both, Questions::default()).await;
        let vpn = findings.iter().find_map(|finding| match &finding.what {
            Symptom::Vpn { interface, takes } => {
                assert_eq!(interface, "tun0");
                Some((finding.level, *takes))
            }
            _ => None,
        });
        assert_eq!(vpn, expected, "{system:?}");
    }
}

fn lonely(findings: &[Finding]) -> Option<(Level, Symptom)> {
    findings.iter().find_map(|finding| {
        let is = matches!(
            finding.what,
            Symptom::Isolation { .. } | Symptom::NoRouter { .. }
        );
        is.then(|| (finding.level, finding.what.clone()))
    })
}

fn parsed(rooms: &[&[&str]]) -> Vec<Vec<SocketAddr>> {
    let room = |room: &&[&str]| room.iter().map(|peer| peer.parse().unwrap()).collect();
    rooms.iter().map(room).collect()
}

#[tokio::test(start_paused = true)]
async fn one_who_was_here_since_the_start_and_falls_silent_is_missed() {
    let router = Fake::new(Platform::Linux)
        .has("/proc/net/route", ROUTE)
        .reaches("192.168.7.1:53", Reach::Refused);
    let cases = [
        ("192.168.7.9:4470", Some(Level::Doubtful)),
        ("10.9.9.9:4470", None),
    ];
    for (met, expected) in cases {
        let questions = Questions {
            met: vec![met.parse().unwrap()],
            ..Questions::default()
        };
        let found = lonely(&examined(&router, LAN, questions).await);
        assert_eq!(found.map(|(level, _)| level), expected, "{met}");
    }
}

#[tokio::test(start_paused = true)]
async fn guests_who_are_kept_apart_are_suspected() {
    let silent = Fake::new(Platform::Linux).has("/proc/net/route", ROUTE);
    let router = silent.clone().reaches("192.168.7.1:53", Reach::Refused);
    let in_table = silent.clone().has("/proc/net/arp", ARP);
    let isolation = |level| {
        Some((
            level,
            Symptom::Isolation {
                router: "192.168.7.1".to_owned(),
            },
        ))
    };
    let no_router = |router: Option<&str>| {
        let level = router.map_or(Level::Note, |_| Level::Doubtful);
        let router = router.map(ToOwned::to_owned);
        Some((level, Symptom::NoRouter { router }))
    };
    let known: &[&[&str]] = &[&["192.168.7.9:4470"], &["192.168.7.10:4470"]];
    let one: &[&[&str]] = &[&["192.168.7.9:4470", "192.168.7.11:4470"]];
    let same: &[&[&str]] = &[
        &["192.168.7.9:4470", "192.168.7.11:4470"],
        &["192.168.7.11:4471"],
        &["10.9.9.9:4470"],
    ];
    let elsewhere: &[&[&str]] = &[&["10.9.9.9:4470"], &["10.9.9.10:4470"]];
    let friend = router.clone().reaches("192.168.7.9:4470", Reach::Refused);
    let cases = [
        (router.clone(), known, 0, isolation(Level::Doubtful)),
        (in_table, known, 0, isolation(Level::Doubtful)),
        // One alone may be switched off, however many rooms and addresses it had.
        (router.clone(), one, 0, isolation(Level::Note)),
        (router.clone(), same, 0, isolation(Level::Note)),
        // Nobody of this network is known, so that nobody is missed.
        (router.clone(), &[][..], 0, None),
        (router.clone(), elsewhere, 0, None),
        (friend, known, 0, None),
        (router, known, 1, None),
        (silent, known, 0, no_router(Some("192.168.7.1"))),
        (Fake::new(Platform::Linux), known, 0, no_router(None)),
    ];
    for (system, known, heard, expected) in cases {
        let questions = Questions {
            known: parsed(known),
            heard,
            ..Questions::default()
        };
        let findings = examined(&system, LAN, questions).await;
        assert_eq!(lonely(&findings), expected, "{system:?} {known:?} {heard}");
    }
}

#[tokio::test(start_paused = true)]
async fn f72_somebody_who_is_there_and_hears_nothing_is_said() {
    let system = Fake::new(Platform::Linux);
    for (reach, blocked) in [(Reach::Open, true), (Reach::Refused, false)] {
        let system = system.clone().reaches("192.168.7.9:4470", reach);
        let questions = Questions {
            known: vec![vec!["192.168.7.9:4470".parse().unwrap()]],
            ..Questions::default()
        };
        let findings = examined(&system, LAN, questions).await;
        let multicast = Finding {
            level: Level::Doubtful,
            what: Symptom::Multicast {
                passage: Passage::Blocked,
            },
        };
        assert_eq!(findings.contains(&multicast), blocked, "{findings:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn f72_somebody_who_answers_is_not_isolated_and_ones_own_answers_do_not_count() {
    let system = Fake::new(Platform::Linux)
        .has("/proc/net/route", ROUTE)
        .reaches("192.168.7.1:53", Reach::Open);
    let questions = Questions {
        known: vec![vec!["192.168.7.9:4470".parse().unwrap()]],
        ..Questions::default()
    };
    for (from, isolated, answered) in [
        ("192.168.7.5:4470", true, 0),
        ("192.168.7.9:4470", false, 1),
    ] {
        let echoes = Echoes {
            echoes: vec![Echo {
                from: from.parse().unwrap(),
                heard: Cast::Broadcast,
                by: Cast::Broadcast,
                at: 0,
                now: 0,
            }],
            ..silence()
        };
        let networks = networks(LAN);
        let findings = examine_with(&system, &networks, async { echoes }, &questions).await;
        assert_eq!(lonely(&findings).is_some(), isolated, "{findings:?}");
        let peers = findings.iter().find_map(|finding| match finding.what {
            Symptom::Peers { answered } => Some(answered),
            _ => None,
        });
        assert_eq!(peers, Some(answered));
    }
}
