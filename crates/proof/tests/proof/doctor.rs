//! What the doctor says where something is wrong with the computer or the network itself.

use std::process::Command;

use chatspot_proof::lan::Cable;
use chatspot_proof::neighbour::Word;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::{
    Checkup, Finding, Firewall, FirewallState, Level, PortState, Search, Symptom, VpnTakes,
};
use chatspot_protocol::wire::Back;

use crate::programs::Folder;
use crate::street::{Plain, check, has, ip, peers, street};

#[tokio::test(flavor = "multi_thread")]
async fn where_guests_are_kept_apart_the_doctor_says_so() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 2) else {
        return;
    };
    let _host = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    ada.join("Workshop").await.unwrap();
    for host in &hosts {
        street.lan.keep_apart(*host).unwrap();
    }
    // What it heard a moment ago would speak against it.
    ada.kill().await.unwrap();
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    // As would the system's table of neighbours, for half a minute.
    street
        .lan
        .at(hosts[1])
        .ip("neighbour flush dev eth0")
        .unwrap();
    let checkup = check("isolation", &mut ada, None).await;
    assert!(has(
        &checkup,
        |what| matches!(what, Symptom::Isolation { router } if router == "10.77.0.1")
    ));
    assert_eq!(peers(&checkup), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_network_the_doctor_says_so() {
    let folder = Folder::new();
    let Some(mut street) = street(&folder) else {
        return;
    };
    let alone = street.lan.host().unwrap();
    let mut ada = street.neighbour(alone, "Ada", &[]).unwrap();
    let checkup = check("no network", &mut ada, None).await;
    let bad = checkup
        .findings
        .iter()
        .find(|finding| finding.level == Level::Bad);
    assert!(matches!(bad.unwrap().what, Symptom::Networks { .. }));
    let seen = ada
        .until("it", |seen| seen.nearby.search == Search::NoNetwork)
        .await;
    seen.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_router_does_not_answer_the_doctor_says_so() {
    let folder = Folder::new();
    let Some(Plain {
        street,
        router,
        hosts,
    }) = Plain::new(&folder, 1)
    else {
        return;
    };
    street.lan.cable(router, Cable::Out).unwrap();
    let mut ada = street.neighbour(hosts[0], "Ada", &[]).unwrap();
    let checkup = check("no router", &mut ada, None).await;
    let mute = |what: &Symptom| matches!(what, Symptom::NoRouter { router } if router.as_deref() == Some("10.77.0.1"));
    assert!(has(&checkup, mute));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_vpn_takes_the_local_network_the_doctor_says_so() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 2) else {
        return;
    };
    let _host = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let lan = &street.lan;
    lan.vpn(hosts[1], "10.8.0.6/24").unwrap();
    // As those do that promise to let nothing leak.
    let routes = "route add 10.77.0.0/25 dev wg0\nroute add 0.0.0.0/1 dev wg0\nroute add 128.0.0.0/1 dev wg0";
    lan.at(hosts[1]).ip(routes).unwrap();
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    let checkup = check("VPN takes all", &mut ada, None).await;
    let takes = |what: &Symptom| matches!(what, Symptom::Vpn { interface, takes: VpnTakes::LocalNetwork } if interface == "wg0");
    assert!(has(&checkup, takes));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_firewall_keeps_others_out_the_doctor_names_it_and_a_member_says_so() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 3) else {
        return;
    };
    let _common = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let own = street.relay(hosts[1], &["Lab"]).await.unwrap();
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    let (room, name) = (own.room("Lab").unwrap(), RoomName::parse("Lab").unwrap());
    let word = Word::Host {
        room,
        name,
        port: 4470,
    };
    ada.tell(&word).await.unwrap();
    ada.until("the lab", |seen| seen.is_in("Lab"))
        .await
        .unwrap();
    let mut ben = street.neighbour(hosts[2], "Ben", &[]).unwrap();
    ada.join_at(ip("10.77.0.2"), "Workshop").await.unwrap();
    ben.join_at(ip("10.77.0.2"), "Workshop").await.unwrap();
    let present = |seen: &chatspot_proof::neighbour::Seen| {
        seen.open("Workshop")
            .is_some_and(|room| room.present.len() == 2)
    };
    ada.until("Ben", present).await.unwrap();
    let by_ben = |what: &Symptom, hoped: Back| matches!(what, Symptom::DialBack { by, outcome, .. } if by.as_str() == "Ben" && *outcome == hoped);
    let open = PortState::Open {
        port: 4470,
        usual: true,
    };

    let rules = "table inet home {\nchain in {\ntype filter hook input priority 0; policy drop;\n\
                 iifname \"lo\" accept\nct state established,related accept\n\
                 icmp type echo-request accept\nicmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n}\n}\n";
    street.lan.at(hosts[1]).nft(rules).unwrap();
    let checkup = check("firewall", &mut ada, Some(4470)).await;
    assert!(has(&checkup, |what| by_ben(what, Back::NoAnswer)));
    assert!(has(&checkup, |what| *what == Symptom::Port { port: open }));
    let blocks = |what: &Symptom| {
        matches!(
            what,
            Symptom::Firewall {
                firewall: Firewall::Nftables,
                state: FirewallState::Blocks,
                ..
            }
        )
    };
    assert!(has(&checkup, blocks));
    // The lines that it names mend it.
    for finding in &checkup.findings {
        let Symptom::Firewall {
            firewall: Firewall::Nftables,
            fix,
            ..
        } = &finding.what
        else {
            continue;
        };
        for line in fix {
            let line = line.strip_prefix("sudo ").unwrap_or(line);
            let mut shell = street.lan.at(hosts[1]).command();
            let done = shell.args(["sh", "-c", line]).output().unwrap();
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{line}: {said}");
        }
    }
    ben.join("Lab").await.unwrap();
    let checkup = check("firewall mended", &mut ada, Some(4470)).await;
    assert!(!has(&checkup, blocks));
    assert!(has(&checkup, |what| by_ben(what, Back::Reached)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_it_when_nobody_listens_at_the_port() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 1) else {
        return;
    };
    let mut ada = street.neighbour(hosts[0], "Ada", &[]).unwrap();
    let seen = ada.tell(&Word::Look { active: true }).await.unwrap();
    assert_eq!(seen.answers, [None]);
    let checkup = check("nobody listens", &mut ada, Some(4470)).await;
    let closed = PortState::Closed { port: 4470 };
    assert!(has(&checkup, |what| *what == Symptom::Port { port: closed }));
    assert_eq!(peers(&checkup), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_clock_is_far_off_is_told_so_and_joins_all_the_same() {
    let folder = Folder::new();
    if Command::new("faketime").arg("--version").output().is_err() {
        println!("skipped: no faketime");
        return;
    }
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 3) else {
        return;
    };
    let _host = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    // libfaketime, with a clock an hour ahead and timers as they are.
    let late = [
        ("LD_PRELOAD", "/usr/$LIB/faketime/libfaketime.so.1"),
        ("FAKETIME", "+3600"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ];
    let late = street.neighbour_with(hosts[1], "Ada", &[], &late);
    let (mut ada, mut ben) = (
        late.unwrap(),
        street.neighbour(hosts[2], "Ben", &[]).unwrap(),
    );
    for one in [&mut ada, &mut ben] {
        one.join("Workshop").await.unwrap();
    }
    let ahead = |checkup: &Checkup| {
        let clock = |finding: &Finding| match finding.what {
            Symptom::Clock { ahead } => Some((finding.level, ahead)),
            _ => None,
        };
        checkup.findings.iter().find_map(clock).unwrap()
    };
    // Rounded, and with the time that an answer takes.
    let (level, hers) = ahead(&check("clock ahead", &mut ada, None).await);
    assert!(
        level == Level::Doubtful && (3_590..=3_610).contains(&hers),
        "{hers}"
    );
    // Two of three have it right.
    let (level, his) = ahead(&check("clock right", &mut ben, None).await);
    assert!(level == Level::Good && (-10..=10).contains(&his), "{his}");
}
