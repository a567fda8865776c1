//! When what is sent: with a clock of the tests' own.

use chatspot_protocol::event::Admission;
use chatspot_protocol::limits::{PONGS_A_SECOND, PONGS_ENOUGH, PONGS_OF_SOURCE_A_SECOND};
use chatspot_protocol::text::RoomName;
use chatspot_protocol::wire::RoomSummary;

use super::*;
use crate::networks::tests::networks;

/// A room with this number.
pub(crate) fn room(number: u32) -> Announced {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Announced {
        room: RoomSummary {
            room: RoomId(id),
            name: RoomName::parse(&format!("Room {number}")).unwrap(),
            host: None,
            online: 1,
            full: false,
            admission: Admission::Open,
            locked: false,
            hidden: false,
        },
        port: 4470,
    }
}

/// How many datagrams one call to all takes on a computer with one network of both families, and their headers: a group
/// and all of IPv4, and a group of IPv6.
const NETWORK: [(Cast, usize); 3] = [
    (Cast::Multicast, 28),
    (Cast::Broadcast, 28),
    (Cast::Multicast, 48),
];

/// All that is sent in this time, and when, in milliseconds.
fn run(announcer: &mut Announcer, start: Instant, from: u64, to: u64) -> Vec<(u64, Call)> {
    let mut calls = Vec::new();
    let mut now = start + Duration::from_millis(from);
    let end = start + Duration::from_millis(to);
    loop {
        while let Some(call) = announcer.poll(now) {
            let at = u64::try_from((now - start).as_millis()).unwrap();
            calls.push((at, call));
        }
        match announcer.wake() {
            Some(wake) if wake < end => {
                assert!(wake > now, "it turns without doing anything");
                now = wake;
            }
            _ => return calls,
        }
    }
}

fn times(calls: &[(u64, Call)]) -> Vec<u64> {
    calls.iter().map(|(at, _)| *at).collect()
}

fn to_one(calls: &[(u64, Call)]) -> Vec<(u64, SocketAddr)> {
    let one = |(at, call): &(u64, Call)| match call.to {
        To::One(to) => Some((*at, to)),
        To::All | To::AllNear(_) => None,
    };
    calls.iter().filter_map(one).collect()
}

fn to_all(calls: &[(u64, Call)]) -> Vec<(u64, Call)> {
    let all = calls.iter().filter(|(_, call)| call.to == To::All);
    all.cloned().collect()
}

fn announcer() -> (Announcer, Instant) {
    let start = Instant::now();
    (Announcer::new(7, start), start)
}

#[tokio::test(start_paused = true)]
async fn a_room_is_called_out_at_once_and_again_and_then_regularly() {
    let (mut announcer, start) = announcer();
    announcer.announce(vec![room(1)], start);
    let calls = run(&mut announcer, start, 0, 200_000);
    let times = times(&calls);
    assert_eq!(times[..3], [0, 1_000, 3_000]);
    for pair in times[2..].windows(2) {
        let apart = pair[1] - pair[0];
        assert!((13_000..=15_000).contains(&apart), "{times:?}");
    }
    let here = Beacon::Here {
        port: 4470,
        room: room(1).room,
    };
    assert!(
        calls
            .iter()
            .all(|(_, call)| call.beacon == here && call.to == To::All)
    );
}

#[tokio::test(start_paused = true)]
async fn a_room_that_changes_is_called_out_at_most_every_two_seconds() {
    let (mut announcer, start) = announcer();
    let mut announced = room(1);
    let mut calls = Vec::new();
    for step in 0..100 {
        announced.room.online = step;
        let at = u64::from(step) * 100;
        announcer.announce(vec![announced.clone()], start + Duration::from_millis(at));
        calls.extend(run(&mut announcer, start, at, at + 100));
    }
    let said = times(&calls);
    assert_eq!(said, [0, 1_000, 3_000, 5_000, 7_000, 9_000]);
    let last = run(&mut announcer, start, 10_000, 11_001);
    assert_eq!(times(&last), [11_000]);
    assert!(matches!(
        &last[0].1.beacon,
        Beacon::Here { room, .. } if room.online == 99
    ));
}

#[tokio::test(start_paused = true)]
async fn a_room_that_closes_is_taken_back_twice_unless_it_opens_again() {
    let (mut announcer, start) = announcer();
    announcer.announce(vec![room(1), room(2)], start);
    run(&mut announcer, start, 0, 5_000);
    let closed = start + Duration::from_secs(5);
    announcer.announce(vec![room(2)], closed);
    let calls = run(&mut announcer, start, 5_000, 6_000);
    let gone = Beacon::Gone {
        room: room(1).room.room,
    };
    assert_eq!(times(&calls), [5_000, 5_300]);
    assert!(calls.iter().all(|(_, call)| call.beacon == gone));

    announcer.announce(vec![], start + Duration::from_secs(6));
    announcer.announce(vec![room(2)], start + Duration::from_secs(6));
    let calls = run(&mut announcer, start, 6_000, 60_000);
    assert!(
        calls
            .iter()
            .all(|(_, call)| matches!(call.beacon, Beacon::Here { .. }))
    );

    // What was never said is not taken back.
    announcer.announce(vec![room(2), room(3)], start + Duration::from_secs(60));
    announcer.announce(vec![room(2)], start + Duration::from_secs(60));
    assert!(announcer.farewells.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_hidden_room_is_never_said_and_one_that_hides_is_gone() {
    let (mut announcer, start) = announcer();
    let near = networks(&["eth0 10.0.0.7/24"]);
    let mut hidden = room(1);
    hidden.room.hidden = true;
    announcer.announce(vec![hidden.clone()], start);
    announcer.sought("10.0.0.9:4470".parse().unwrap(), &near, start);
    assert_eq!(run(&mut announcer, start, 0, 60_000), []);
    announcer.announce(vec![room(1)], start);
    assert_eq!(run(&mut announcer, start, 0, 500).len(), 1);
    announcer.announce(vec![hidden], start + Duration::from_millis(500));
    let calls = run(&mut announcer, start, 500, 60_000);
    assert_eq!(calls.len(), 2);
    assert!(
        calls
            .iter()
            .all(|(_, call)| matches!(call.beacon, Beacon::Gone { .. }))
    );
    assert!(announcer.is_silent());
}

#[tokio::test(start_paused = true)]
async fn a_full_relay_takes_its_time() {
    let (mut announcer, start) = announcer();
    let rooms = u32::try_from(RELAY_ROOMS).unwrap();
    announcer.announce((0..2 * rooms).map(room).collect(), start);
    let calls = run(&mut announcer, start, 0, 60_000);
    for pair in times(&calls).windows(2) {
        assert!(pair[1] - pair[0] >= 150, "{pair:?}");
    }
    let mut last = BTreeMap::new();
    for (at, call) in &calls {
        let Beacon::Here { room, .. } = &call.beacon else {
            panic!("{call:?}");
        };
        if let Some(before) = last.insert(room.room, *at) {
            assert!(at - before <= 20_000, "{before} {at}");
        }
    }
    assert_eq!(last.len(), RELAY_ROOMS);
}

#[tokio::test(start_paused = true)]
async fn in_other_networks_all_is_said_anew() {
    let (mut announcer, start) = announcer();
    announcer.announce(vec![room(1)], start);
    run(&mut announcer, start, 0, 10_000);
    announcer.start_over(start + Duration::from_secs(10));
    let calls = run(&mut announcer, start, 10_000, 14_000);
    assert_eq!(times(&calls), [10_000, 11_000, 13_000]);
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_nearby_is_answered() {
    let (mut announcer, start) = announcer();
    let near = networks(&["eth0 10.0.0.7/24", "eth0 fe80::7/64"]);
    announcer.announce(vec![room(1), room(2)], start);
    run(&mut announcer, start, 0, 10_000);
    let asker: SocketAddr = "10.0.0.9:4470".parse().unwrap();
    let now = start + Duration::from_secs(10);
    for from in ["10.0.1.9:4470", "198.51.100.7:4470", "[fd00::9]:4470"] {
        announcer.sought(from.parse().unwrap(), &near, now);
    }
    assert_eq!(run(&mut announcer, start, 10_000, 11_000), []);
    // By the group and by broadcast.
    announcer.sought(asker, &near, now);
    announcer.sought(asker, &near, now);
    let calls = run(&mut announcer, start, 10_000, 12_000);
    let answers = to_one(&calls);
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().all(|(at, to)| *to == asker && *at <= 10_100));
    let all = to_all(&calls);
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|(at, _)| *at <= 10_250));
}

#[tokio::test(start_paused = true)]
async fn answers_are_bounded_for_one_and_for_all() {
    let near = networks(&["eth0 10.0.0.7/16"]);
    let minute = |sources: u8| {
        let (mut announcer, start) = announcer();
        announcer.announce(vec![room(1)], start);
        let mut calls = run(&mut announcer, start, 0, 5_000);
        calls.clear();
        for step in 0..6_000u64 {
            let at = 5_000 + step * 10;
            for source in 0..sources {
                let from = SocketAddr::from(([10, 0, 1, source], 4470));
                announcer.sought(from, &near, start + Duration::from_millis(at));
            }
            calls.extend(run(&mut announcer, start, at, at + 10));
        }
        (to_one(&calls).len(), to_all(&calls).len())
    };
    let (one, all) = minute(1);
    assert!((8..=10).contains(&one), "{one}");
    assert!(all <= 15, "{all}");
    let (one, all) = minute(200);
    assert!((55..=61).contains(&one), "{one}");
    assert!((18..=26).contains(&all), "{all}");
}

fn ping(nonce: u64, heard: Cast, from: &str) -> Ping {
    Ping {
        nonce,
        heard,
        from: from.parse().unwrap(),
        at: 7,
    }
}

fn pong(nonce: u64, heard: Cast, to: To) -> Call {
    let beacon = Beacon::Pong {
        nonce,
        heard,
        at: 7,
    };
    Call { beacon, to }
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_each_way_it_came_and_once_to_all() {
    let (mut announcer, start) = announcer();
    let near = networks(&["eth0 10.0.0.7/24", "eth0 fe80::7/64"]);
    let (v4, v6) = ("10.0.0.9:4470", "[fe80::9]:4470");
    let far = ping(5, Cast::Multicast, "10.0.1.9:4470");
    announcer.pinged(far, &near, start);
    assert_eq!((announcer.poll(start), announcer.wake()), (None, None));
    let questions = [
        ping(5, Cast::Multicast, v4),
        ping(5, Cast::Broadcast, v4),
        ping(5, Cast::Multicast, v4),
        ping(5, Cast::Multicast, v6),
        ping(5, Cast::Broadcast, v4),
    ];
    for question in questions {
        announcer.pinged(question, &near, start);
    }
    let calls: Vec<Call> = run(&mut announcer, start, 0, 10_000)
        .into_iter()
        .inspect(|(at, _)| assert!(*at <= 500, "{at}"))
        .map(|(_, call)| call)
        .collect();
    let one = |heard, to: &str| pong(5, heard, To::One(to.parse().unwrap()));
    assert_eq!(
        calls[..3],
        [
            one(Cast::Multicast, v4),
            one(Cast::Broadcast, v4),
            one(Cast::Multicast, v6),
        ]
    );
    let all = |to: &str| pong(5, Cast::Multicast, To::AllNear(to.parse().unwrap()));
    assert_eq!(calls.len(), 5, "{calls:?}");
    assert!(calls.contains(&all(v4)) && calls.contains(&all(v6)));
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_within_bounds() {
    let (mut announcer, start) = announcer();
    let near = networks(&["eth0 10.0.0.7/24"]);
    for nonce in 0..1_000 {
        let question = ping(nonce, Cast::Multicast, "10.0.0.9:4470");
        announcer.pinged(question, &near, start);
    }
    let answered = to_one(&run(&mut announcer, start, 0, 1)).len();
    assert_eq!(answered, PONGS_OF_SOURCE_A_SECOND as usize);
    for n in 0..200 {
        let from = format!("10.0.0.{n}:4470");
        announcer.pinged(ping(n, Cast::Multicast, &from), &near, start);
    }
    let answered = answered + to_one(&run(&mut announcer, start, 0, 1)).len();
    assert_eq!(answered, PONGS_A_SECOND as usize);

    // A minute of questions that are all new, by anybody.
    let mut all = Vec::new();
    for step in 0..6_000u64 {
        let at = 10_000 + step * 10;
        let from = format!("10.0.0.{}:4470", step % 250);
        let now = start + Duration::from_millis(at);
        announcer.pinged(ping(1_000 + step, Cast::Broadcast, &from), &near, now);
        let calls = run(&mut announcer, start, at, at + 10);
        let near = |call: &Call| matches!(call.to, To::AllNear(_));
        all.extend(
            calls
                .iter()
                .filter(|(_, call)| near(call))
                .map(|(at, _)| *at),
        );
    }
    assert!((50..=61).contains(&all.len()), "{all:?}");
    assert!(
        all.windows(2).all(|pair| pair[1] - pair[0] >= 1_000),
        "{all:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_hears_enough_others_answer_to_all_does_not() {
    let (mut announcer, start) = announcer();
    let near = networks(&["eth0 10.0.0.7/24"]);
    let question = ping(5, Cast::Multicast, "10.0.0.9:4470");
    announcer.pinged(question, &near, start);
    assert!(announcer.poll(start).is_some(), "to who asks");
    let mut other = |nonce, last: u8, by| {
        let from = SocketAddr::from(([10, 0, 0, last], 4470));
        announcer.ponged(nonce, from, by);
        announcer.wake().is_some()
    };
    for _ in 0..PONGS_ENOUGH {
        // One host by both ways, answers to one, and answers to another question.
        assert!(other(5, 20, Cast::Multicast) && other(5, 20, Cast::Broadcast));
        assert!(other(5, 21, Cast::Unicast) && other(6, 22, Cast::Multicast));
    }
    assert!(other(5, 23, Cast::Multicast));
    assert!(!other(5, 24, Cast::Broadcast));
}

/// What one look at what is wrong costs a network: two questions, each by a group and by broadcast of IPv4 and by a group
/// of IPv6, to a hundred hosts. `later`: after how many milliseconds one host hears another's answer.
fn look_among_a_hundred(later: u64) -> (usize, usize) {
    let start = Instant::now();
    let near = networks(&["eth0 10.0.0.250/24", "eth0 fe80::250/64"]);
    let mut hosts: Vec<Announcer> = (0..100)
        .map(|n| Announcer::new(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(n + 1), start))
        .collect();
    let (mut one, mut all) = (0, 0);
    let mut said: VecDeque<(u64, u64, SocketAddr)> = VecDeque::new();
    for at in 0..5_000u64 {
        let now = start + Duration::from_millis(at);
        if let Some(nonce) = [0, 700].iter().position(|asked| *asked == at) {
            let ways = [
                (Cast::Multicast, "10.0.0.200:4470"),
                (Cast::Broadcast, "10.0.0.200:4470"),
                (Cast::Multicast, "[fe80::200]:4470"),
            ];
            for (heard, from) in ways {
                let question = ping(nonce as u64, heard, from);
                for host in &mut hosts {
                    host.pinged(question, &near, now);
                }
            }
        }
        while let Some((_, nonce, from)) = said.pop_front_if(|(when, ..)| *when <= at) {
            for host in &mut hosts {
                host.ponged(nonce, from, Cast::Multicast);
            }
        }
        for (last, host) in (0..).zip(&mut hosts) {
            while let Some(call) = host.poll(now) {
                let Beacon::Pong { nonce, .. } = call.beacon else {
                    panic!("{call:?}");
                };
                let from = match call.to {
                    To::One(_) => {
                        one += 1;
                        continue;
                    }
                    To::AllNear(SocketAddr::V4(_)) => {
                        all += 2;
                        SocketAddr::from(([10, 0, 0, last], 4470))
                    }
                    To::AllNear(SocketAddr::V6(_)) => {
                        all += 1;
                        SocketAddr::from(([0xfe80, 0, 0, 0, 0, 0, 0, last.into()], 4470))
                    }
                    To::All => panic!("{call:?}"),
                };
                said.push_back((at + later, nonce, from));
            }
        }
    }
    (one, all)
}

#[tokio::test(start_paused = true)]
async fn a_look_at_what_is_wrong_is_not_answered_by_a_hundred_hosts_to_all() {
    for (later, least, most) in [(1, 18, 30), (100, 18, 200)] {
        let (one, all) = look_among_a_hundred(later);
        println!("heard after {later} ms: {one} datagrams to who asks, {all} to all");
        assert_eq!(one, 100 * 3 * 2);
        assert!((least..=most).contains(&all), "{later} {all}");
    }
}

/// What an idle app sends in a minute by beacons: one room, and a search that has run for a while.
#[tokio::test(start_paused = true)]
async fn an_idle_app_sends_little() {
    let (mut announcer, start) = announcer();
    announcer.announce(vec![room(1)], start);
    let hour = run(&mut announcer, start, 60_000, 3_660_000);
    let mut seeker = crate::seeker::Seeker::default();
    seeker.look(crate::Effort::Search, start);
    let seeks = (60..3_660u64)
        .filter(|second| seeker.poll(start + Duration::from_secs(*second)).is_some())
        .count();
    let weigh = |beacon: &Beacon| -> usize {
        let datagram = |(by, headers): (Cast, usize)| beacon.encode(by).len() + headers;
        NETWORK.into_iter().map(datagram).sum()
    };
    let announced: usize = hour.iter().map(|(_, call)| weigh(&call.beacon)).sum();
    let packets = hour.len() * NETWORK.len();
    let searched = seeks * weigh(&Beacon::Seek);
    println!(
        "a room: {} packets, {} bytes a minute; a search: {} packets, {} bytes a minute",
        packets / 60,
        announced / 60,
        seeks * NETWORK.len() / 60,
        searched / 60
    );
    assert!(packets / 60 <= 13, "{packets}");
    assert!(announced / 60 <= 4_000, "{announced}");
    assert!(seeks * NETWORK.len() / 60 <= 6, "{seeks}");
    assert!(searched / 60 <= 600, "{searched}");
}
