//! Rooms nearby, between real programs in networks as people have them: who finds what, in which way, and what the
//! doctor says.

use std::path::Path;
use std::time::Instant;

use chatspot_proof::lan::{HostId, Swallows};
use chatspot_proof::neighbour::{OpenRoom, Seen, Word};
use chatspot_proof::program::Program;
use chatspot_proof::street::{Neighbour, Street};
use chatspot_protocol::view::{Life, LinkState, Passage, Symptom, Vanished, Way};
use tokio::sync::watch;

use crate::programs::Folder;
use crate::street::{Plain, broadcast, check, has, ip, multicast, peers, street, tell};

/// It was never said that something else answered in the room's place.
fn no_alarm(room: &OpenRoom) {
    assert_eq!(room.alarmed, None);
    let closed = |link: &&LinkState| matches!(link, LinkState::Closed { .. });
    assert_eq!(room.links.iter().find(closed), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn computers_in_a_network_reach_each_other_and_nobody_else() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 2) else {
        return;
    };
    let _host = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    let seen = ada.join_at(ip("10.77.0.2"), "Workshop").await.unwrap();
    let room = seen.open("Workshop").unwrap().room;
    let text = "hello".to_owned();
    ada.tell(&Word::Say { room, text }).await.unwrap();
    let said = |seen: &Seen| {
        seen.open("Workshop")
            .is_some_and(|room| room.texts == ["hello"])
    };
    ada.until("her message", said).await.unwrap();
}

/// It is the host of that number in the own network, by it or by its link-local address, which ends alike: a race may be
/// close where the machine is slow.
#[track_caller]
fn is_at(address: &str, number: &str) {
    let (host, _) = number.split_once(':').unwrap_or((number, ""));
    let last = host.rsplit('.').next().unwrap();
    let local = address.starts_with("[fe80::") && address.contains(&format!(":{last}%"));
    assert!(address == number || local, "{address} is not {number}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_plain_network_a_room_is_found_in_every_way_and_joined() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 2) else {
        return;
    };
    let _host = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    let seen = ada
        .until("the room in every way", |seen| {
            let ways = seen.ways("Workshop");
            let beacon = |way: &Way| matches!(way, Way::Multicast | Way::Answer);
            seen.is_here("Workshop") && ways.contains(&Way::Mdns) && ways.iter().any(beacon)
        })
        .await
        .unwrap();
    tell("plain", &seen);
    // Whichever way is heard first, the shortest address comes to stand first.
    ada.until("the best address", |seen| {
        let listed = seen.listed("Workshop");
        listed.is_some_and(|room| room.addresses[0] == "10.77.0.2")
    })
    .await
    .unwrap();
    let seen = ada.join("Workshop").await.unwrap();
    is_at(&seen.open("Workshop").unwrap().address, "10.77.0.2:4470");
    no_alarm(seen.open("Workshop").unwrap());
    let checkup = check("plain", &mut ada, None).await;
    assert_eq!(*multicast(&checkup), Passage::Both);
    assert_eq!(*broadcast(&checkup), Passage::Both);
    assert!(peers(&checkup) >= 1);
    assert!(!has(&checkup, |what| matches!(
        what,
        Symptom::Isolation { .. } | Symptom::NoRouter { .. } | Symptom::Vpn { .. }
    )));
}

#[tokio::test(flavor = "multi_thread")]
async fn f72_where_multicast_is_dropped_broadcasts_find_the_room() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 2) else {
        return;
    };
    street.lan.swallow(Swallows::Multicast).unwrap();
    let _host = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    ada.until("the room", |seen| seen.is_here("Workshop"))
        .await
        .unwrap();
    let seen = ada.join("Workshop").await.unwrap();
    tell("multicast dropped", &seen);
    let ways = seen.ways("Workshop");
    assert!(
        ways.contains(&Way::Broadcast) || ways.contains(&Way::Answer),
        "{ways:?}"
    );
    assert!(
        !ways.contains(&Way::Mdns) && !ways.contains(&Way::Multicast),
        "{ways:?}"
    );
    let checkup = check("multicast dropped", &mut ada, None).await;
    assert_eq!(*multicast(&checkup), Passage::Blocked);
    assert_eq!(*broadcast(&checkup), Passage::Both);
    assert!(street.lan.swallowed().unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_broadcasts_are_dropped_too_a_remembered_address_and_a_common_member_find_rooms() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 4) else {
        return;
    };
    street.lan.swallow(Swallows::MulticastAndBroadcast).unwrap();
    let _workshop = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let _lab = street.relay(hosts[1], &["Lab"]).await.unwrap();
    let mut ada = street.neighbour(hosts[2], "Ada", &[]).unwrap();
    let mut ben = street.neighbour(hosts[3], "Ben", &[]).unwrap();
    ada.join_at(ip("10.77.0.2"), "Workshop").await.unwrap();
    ada.join_at(ip("10.77.0.3"), "Lab").await.unwrap();
    // Ben knows nothing of the lab, and Ada is in both.
    ben.join_at(ip("10.77.0.2"), "Workshop").await.unwrap();
    let seen = ben
        .until("the lab", |seen| seen.is_here("Lab"))
        .await
        .unwrap();
    let by_ada = |way: &Way| matches!(way, Way::Introduced { by } if by.as_str() == "Ada");
    assert!(
        seen.ways("Lab").iter().any(by_ada),
        "{:?}",
        seen.ways("Lab")
    );
    let seen = ben.join("Lab").await.unwrap();
    tell("broadcast dropped", &seen);
    let lab = seen.open("Lab").unwrap().room;
    let checkup = check("broadcast dropped", &mut ben, None).await;
    assert_ne!(*multicast(&checkup), Passage::Both);
    assert_ne!(*broadcast(&checkup), Passage::Both);
    // Who left it finds it again, where it was.
    ben.tell(&Word::Leave { room: lab }).await.unwrap();
    ada.kill().await.unwrap();
    ben.kill().await.unwrap();
    let mut ben = street.neighbour(hosts[3], "Ben", &[]).unwrap();
    let seen = ben
        .until("the lab", |seen| seen.is_here("Lab"))
        .await
        .unwrap();
    tell("broadcast dropped, remembered", &seen);
    // What Ada told may be remembered in the workshop, too.
    assert!(seen.ways("Lab").contains(&Way::Remembered));
    ben.join("Lab").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_heard_a_scan_finds_the_room() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 2) else {
        return;
    };
    street.lan.swallow(Swallows::MulticastAndBroadcast).unwrap();
    let _host = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    ada.tell(&Word::Scan).await.unwrap();
    let over = |seen: &Seen| seen.nearby.scan.is_some_and(|scan| scan.done);
    let seen = ada.until("the end of the scan", over).await.unwrap();
    let scan = seen.nearby.scan.unwrap();
    println!("scan: {scan:?} after {} ms", seen.ms);
    // All of a /24 but the network itself, its broadcast address and Ada's own.
    assert_eq!((scan.tried, scan.of, scan.found), (253, 253, 1));
    let seen = ada.join("Workshop").await.unwrap();
    assert_eq!(seen.ways("Workshop")[0], Way::Scanned);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_in_two_subnets_introduces_the_rooms_of_one_to_the_other() {
    let folder = Folder::new();
    let Some(mut street) = street(&folder) else {
        return;
    };
    let lan = &mut street.lan;
    let (left, right) = (lan.network().unwrap(), lan.network().unwrap());
    let router = lan.host_in(left, &["10.77.0.1/24"]).unwrap();
    lan.plug(router, right, &["10.77.1.1/24"]).unwrap();
    lan.forward(router).unwrap();
    let workshop = lan.host_in(left, &["10.77.0.2/24"]).unwrap();
    let garden = lan.host_in(right, &["10.77.1.2/24"]).unwrap();
    let ben = lan.host_in(right, &["10.77.1.3/24"]).unwrap();
    for (host, by) in [
        (workshop, "10.77.0.1"),
        (garden, "10.77.1.1"),
        (ben, "10.77.1.1"),
    ] {
        lan.router(host, ip(by)).unwrap();
    }
    let ada = lan.host_in(left, &["10.77.0.9/24"]).unwrap();
    lan.plug(ada, right, &["10.77.1.9/24"]).unwrap();

    let _workshop = street.relay(workshop, &["Workshop"]).await.unwrap();
    let _garden = street.relay(garden, &["Garden"]).await.unwrap();
    // Hosted on the computer that is in both.
    let _stairs = street.relay(ada, &["Stairs"]).await.unwrap();
    let mut ada = street.neighbour(ada, "Ada", &[]).unwrap();
    ada.join("Workshop").await.unwrap();
    ada.join("Garden").await.unwrap();
    let mut ben = street.neighbour(ben, "Ben", &[]).unwrap();
    ben.join("Garden").await.unwrap();
    let seen = ben
        .until("the rooms of both", |seen| {
            seen.is_here("Workshop") && seen.is_here("Stairs")
        })
        .await
        .unwrap();
    tell("two subnets", &seen);
    let introduced = |way: &Way| matches!(way, Way::Introduced { .. });
    assert!(seen.ways("Workshop").iter().all(introduced));
    assert!(seen.ways("Stairs").iter().any(|way| !introduced(way)));
    // The address in the own network is the better one.
    is_at(&seen.listed("Stairs").unwrap().addresses[0], "10.77.1.9");
    let seen = ben.join("Stairs").await.unwrap();
    is_at(&seen.open("Stairs").unwrap().address, "10.77.1.9:4470");
    // Through the router.
    let seen = ben.join("Workshop").await.unwrap();
    assert_eq!(seen.open("Workshop").unwrap().address, "10.77.0.2:4470");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_docker_and_a_vpn_on_both_sides_the_right_address_wins() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 2) else {
        return;
    };
    let lan = &street.lan;
    for (host, vpn) in [(hosts[0], "10.8.0.5/24"), (hosts[1], "10.8.0.6/24")] {
        lan.docker(host).unwrap();
        lan.vpn(host, vpn).unwrap();
        // What does not go to the own network goes into the VPN, which swallows it.
        lan.at(host).ip("route replace default dev wg0").unwrap();
    }
    let _host = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    // Whichever way is heard first, the own network's address comes to stand first.
    ada.until("the right address", |seen| {
        let listed = seen.listed("Workshop");
        listed.is_some_and(|room| room.addresses[0] == "10.77.0.2")
    })
    .await
    .unwrap();
    let seen = ada.join("Workshop").await.unwrap();
    tell("docker and VPN", &seen);
    // The race may be close where the machine is slow; it is won in the own network.
    let won = &seen.open("Workshop").unwrap().address;
    assert!(
        won.starts_with("10.77.0.2:") || won.contains("%eth0"),
        "{won}"
    );
    let checkup = check("docker and VPN", &mut ada, None).await;
    assert!(has(
        &checkup,
        |what| matches!(what, Symptom::Vpn { interface, .. } if interface == "wg0")
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn f70_the_hosts_address_changes_in_mid_conversation() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 3) else {
        return;
    };
    let _host = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    let mut ben = street.neighbour(hosts[2], "Ben", &[]).unwrap();
    ben.join("Workshop").await.unwrap();
    let seen = ada.join("Workshop").await.unwrap();
    let room = seen.open("Workshop").unwrap().room;
    let say = async |who: &mut Neighbour, text: &str| {
        let text = text.to_owned();
        who.tell(&Word::Say { room, text }).await.unwrap();
    };
    say(&mut ada, "one").await;
    ben.until("one", |seen| {
        seen.open("Workshop")
            .is_some_and(|room| room.texts == ["one"])
    })
    .await
    .unwrap();

    let lan = &street.lan;
    let began = Instant::now();
    lan.remove_address(hosts[0], "eth0", "10.77.0.2/24")
        .unwrap();
    lan.remove_address(hosts[0], "eth0", "fe80::77:2/64")
        .unwrap();
    say(&mut ada, "two").await;
    lan.add_address(hosts[0], "eth0", "10.77.0.42/24").unwrap();
    lan.add_address(hosts[0], "eth0", "fe80::77:42/64").unwrap();
    say(&mut ben, "three").await;
    for who in [&mut ada, &mut ben] {
        let seen = who
            .until("everything", |seen| {
                let room = seen.open("Workshop");
                room.is_some_and(|room| room.texts.len() >= 3 && room.outbox == 0)
                    && seen.is_in("Workshop")
            })
            .await
            .unwrap();
        let room = seen.open("Workshop").unwrap();
        let mut texts = room.texts.clone();
        texts.sort();
        assert_eq!(texts, ["one", "three", "two"]);
        is_at(&room.address, "10.77.0.42:4470");
        no_alarm(room);
        println!(
            "f70: all there after {:?}, {:?}",
            began.elapsed(),
            room.links
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_ipv6_alone_a_room_is_found_and_joined() {
    let folder = Folder::new();
    let Some(mut street) = street(&folder) else {
        return;
    };
    let network = street.lan.network().unwrap();
    let host = ["fd77::2/64", "fe80::77:2/64"];
    let host = street.lan.host_in(network, &host).unwrap();
    let ada = ["fd77::3/64", "fe80::77:3/64"];
    let ada = street.lan.host_in(network, &ada).unwrap();
    let _host = street.relay(host, &["Workshop"]).await.unwrap();
    let mut ada = street.neighbour(ada, "Ada", &[]).unwrap();
    let seen = ada.join("Workshop").await.unwrap();
    tell("IPv6 only", &seen);
    // Whichever was heard of first; both lead there.
    let address = &seen.open("Workshop").unwrap().address;
    assert!(["[fd77::2]:4470", "[fe80::77:2%eth0]:4470"].contains(&address.as_str()));
    let checkup = check("IPv6 only", &mut ada, None).await;
    assert_eq!(*multicast(&checkup), Passage::Both);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_link_local_addresses_alone_a_room_is_found_and_joined() {
    let folder = Folder::new();
    let Some(mut street) = street(&folder) else {
        return;
    };
    let network = street.lan.network().unwrap();
    let host = street.lan.host_in(network, &["fe80::77:2/64"]).unwrap();
    let ada = street.lan.host_in(network, &["fe80::77:3/64"]).unwrap();
    let _host = street.relay(host, &["Workshop"]).await.unwrap();
    let mut ada = street.neighbour(ada, "Ada", &[]).unwrap();
    let seen = ada.join("Workshop").await.unwrap();
    tell("link-local only", &seen);
    assert_eq!(
        seen.open("Workshop").unwrap().address,
        "[fe80::77:2%eth0]:4470"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f71_where_the_port_is_busy_the_next_one_is_found_and_joined() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 2) else {
        return;
    };
    let mut first = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let mut second = street.relay(hosts[0], &["Lab"]).await.unwrap();
    assert_eq!(first.port().await.unwrap(), Some(4470));
    assert_eq!(second.port().await.unwrap(), Some(4471));
    let invite = second.links().remove(0);
    assert_eq!(invite.addresses[0].to_string(), "10.77.0.2:4471");
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    let seen = ada.join("Lab").await.unwrap();
    is_at(&seen.open("Lab").unwrap().address, "10.77.0.2:4471");
    let seen = ada.join("Workshop").await.unwrap();
    is_at(&seen.open("Workshop").unwrap().address, "10.77.0.2:4470");
    tell("port busy", &seen);
}

/// A program that knows nothing of ChatSpot takes its ports, until it is killed.
async fn takes_the_ports(street: &Street, host: HostId, folder: &Path) -> Program {
    // What every Debian has.
    let script = r#"
        use IO::Socket::INET;
        my $tcp = IO::Socket::INET->new(LocalPort => 4470, Proto => "tcp", Listen => 1) or die $!;
        my $udp = IO::Socket::INET->new(LocalPort => 4470, Proto => "udp") or die $!;
        $| = 1;
        print "has them\n";
        <STDIN>;
    "#;
    let mut command = street.lan.at(host).command();
    command.args(["perl", "-e", script]);
    let (sender, mut said) = watch::channel(false);
    let errors = folder.join("foreign.errors");
    let program = Program::start("foreign", command, &errors, move |_| {
        sender.send_replace(true);
    });
    let program = program.unwrap();
    said.wait_for(|said| *said).await.unwrap();
    program
}

#[tokio::test(flavor = "multi_thread")]
async fn f71_where_another_program_has_the_ports_rooms_are_hosted_found_and_it_is_told() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 2) else {
        return;
    };
    let there = takes_the_ports(&street, hosts[0], folder.path()).await;
    let here = takes_the_ports(&street, hosts[1], folder.path()).await;
    let mut host = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    assert_eq!(host.port().await.unwrap(), Some(4471));
    let mut ada = street.neighbour(hosts[1], "Ada", &[]).unwrap();
    let seen = ada.join("Workshop").await.unwrap();
    is_at(&seen.open("Workshop").unwrap().address, "10.77.0.2:4471");
    tell("ports taken", &seen);
    let checkup = check("ports taken", &mut ada, None).await;
    let deaf = |what: &Symptom| matches!(what, Symptom::Deaf { port: 4470, .. });
    assert!(has(&checkup, deaf));
    // It goes, and the port is there for whoever starts then.
    here.kill().await.unwrap();
    there.kill().await.unwrap();
    let mut ben = street.neighbour(hosts[1], "Ben", &[]).unwrap();
    ben.until("the room", |seen| seen.is_here("Workshop"))
        .await
        .unwrap();
    assert!(!has(&check("ports free", &mut ben, None).await, deaf));
}

#[tokio::test(flavor = "multi_thread")]
async fn f74_who_announces_the_same_room_without_its_key_is_refused() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 4) else {
        return;
    };
    let host = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let link = host.links().remove(0);
    let mut impostor = street.impostor(hosts[1], &link, "Workshop").await.unwrap();
    let mut ada = street.neighbour(hosts[2], "Ada", &[]).unwrap();
    ada.until("the room", |seen| seen.is_here("Workshop"))
        .await
        .unwrap();
    // It was asked, and had no proof.
    impostor.until("came").await.unwrap();
    let seen = ada.join("Workshop").await.unwrap();
    tell("impostor", &seen);
    let room = seen.open("Workshop").unwrap();
    is_at(&room.address, "10.77.0.2:4470");
    no_alarm(room);
    let listed = seen.listed("Workshop").unwrap();
    let theirs = |address: &String| address.starts_with("10.77.0.3:");
    assert!(
        !listed.addresses.iter().any(theirs),
        "{:?}",
        listed.addresses
    );
    assert_ne!(
        listed.summary.online, 7,
        "its words are not taken for the room's"
    );

    // Without the room itself nobody takes the other one for it.
    host.kill().await.unwrap();
    let mut ben = street.neighbour(hosts[3], "Ben", &[]).unwrap();
    let seen = ben
        .until("that it is not the room", |seen| {
            let away = |why| {
                matches!(
                    why,
                    Life::Away {
                        why: Vanished::NotItself,
                        ..
                    }
                )
            };
            seen.listed("Workshop").is_some_and(|room| away(room.life))
        })
        .await
        .unwrap();
    assert_eq!(seen.after("Workshop", None), None, "it was never proven");
    assert!(
        !impostor.printed().contains("said"),
        "{}",
        impostor.printed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_rooms_at_once_are_all_listed() {
    const ROOMS: usize = 50;
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 3) else {
        return;
    };
    let names: Vec<String> = (0..ROOMS).map(|number| format!("Room {number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (most, few) = names.split_at(45);
    let _most = street.relay(hosts[0], most).await.unwrap();
    let _few = street.relay(hosts[1], few).await.unwrap();
    let mut ada = street.neighbour(hosts[2], "Ada", &[]).unwrap();
    let seen = ada
        .until("all rooms", |seen| {
            names.iter().all(|name| seen.is_here(name))
        })
        .await
        .unwrap();
    let last = names.iter().filter_map(|name| seen.after(name, None)).max();
    println!("fifty rooms: all proven after {} ms", last.unwrap());
    assert_eq!(seen.nearby.rooms.len(), ROOMS);
    ada.join("Room 49").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_room_is_neither_called_out_nor_introduced() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 5) else {
        return;
    };
    let into = folder.path().join("traffic");
    let mut sniff = street
        .lan
        .place(hosts[4])
        .command(Path::new(env!("CARGO_BIN_EXE_sniff")));
    sniff
        .arg("--into")
        .arg(&into)
        .args(["--until", "nothing ends it"]);
    let (listens, mut listening) = watch::channel(false);
    let errors = folder.path().join("sniff.errors");
    let sniffer = Program::start("sniff", sniff, &errors, move |_| {
        listens.send_replace(true);
    });
    let sniffer = sniffer.unwrap();
    listening.wait_for(|listens| *listens).await.unwrap();

    let _workshop = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let secret = street
        .relay_with(hosts[1], &["Zwentibold"], &["--hidden"])
        .await
        .unwrap();
    let mut ada = street.neighbour(hosts[2], "Ada", &[]).unwrap();
    ada.join_at(ip("10.77.0.3"), "Zwentibold").await.unwrap();
    ada.join("Workshop").await.unwrap();
    let mut ben = street.neighbour(hosts[3], "Ben", &[]).unwrap();
    ben.join("Workshop").await.unwrap();
    // What is introduced comes all at once: with what was opened last, the hidden one would have come.
    street.lan.swallow(Swallows::MulticastAndBroadcast).unwrap();
    let _lab = street
        .relay_with(hosts[0], &["Lab"], &["--nearby", "off"])
        .await
        .unwrap();
    ada.join_at_port(ip("10.77.0.2"), 4471, "Lab")
        .await
        .unwrap();
    let seen = ben
        .until("the lab", |seen| seen.is_here("Lab"))
        .await
        .unwrap();
    assert_eq!(seen.listed("Zwentibold"), None);
    assert_eq!(seen.ways("Zwentibold"), []);
    sniffer.kill().await.unwrap();
    let traffic = std::fs::read(&into).unwrap();
    let holds = |text: &str| {
        let mut windows = traffic.windows(text.len());
        windows.any(|window| window == text.as_bytes())
    };
    assert!(holds("Workshop"), "what is called out is heard there");
    let id = secret.room("Zwentibold").unwrap().to_string();
    for text in ["Zwentibold", &id, "Ada", "Ben"] {
        assert!(!holds(text), "{text} was called out");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_is_killed_fades_and_one_that_is_closed_says_so() {
    let folder = Folder::new();
    let Some(Plain { street, hosts, .. }) = Plain::new(&folder, 3) else {
        return;
    };
    let workshop = street.relay(hosts[0], &["Workshop"]).await.unwrap();
    let lab = street.relay(hosts[1], &["Lab"]).await.unwrap();
    let mut ada = street.neighbour(hosts[2], "Ada", &[]).unwrap();
    let both = |seen: &Seen| seen.is_here("Workshop") && seen.is_here("Lab");
    ada.until("both rooms", both).await.unwrap();
    workshop.stop().await.unwrap();
    lab.kill().await.unwrap();
    let why = |seen: &Seen, name: &str| match seen.listed(name).map(|room| room.life) {
        Some(Life::Away { why, .. }) => Some(why),
        Some(Life::Here) | None => None,
    };
    ada.until("that the workshop was closed", |seen| {
        why(seen, "Workshop") == Some(Vanished::Closed)
    })
    .await
    .unwrap();
    ada.until("that the lab is silent", |seen| {
        matches!(
            why(seen, "Lab"),
            Some(Vanished::Silent | Vanished::Unreachable)
        )
    })
    .await
    .unwrap();
    // Who was never there is forgotten.
    ada.until("an empty list", |seen| seen.nearby.rooms.is_empty())
        .await
        .unwrap();
}
