//! One rule of the list a test.

use chatspot_protocol::limits::{
    INTRODUCED_ROOMS, NEARBY_FADE, NEARBY_ROOMS, NEARBY_ROOMS_OF_ADDRESS, PROBES_AT_ONCE,
    SIGHTING_LASTS,
};
use chatspot_protocol::view::{Discovery, Known, RoomProof};

use super::*;

const HERE: &str = "192.168.1.10";
const THERE: &str = "192.168.1.11";

#[test]
fn each_channel_alone_lists_a_room() {
    type Find = fn(&mut World);
    let channels: [(Find, Way); 7] = [
        (|world| world.hear(room(1), &[HERE], Way::Mdns), Way::Mdns),
        (
            |world| world.hear(room(1), &[HERE], Way::Multicast),
            Way::Multicast,
        ),
        (
            |world| world.hear(room(1), &[HERE], Way::Broadcast),
            Way::Broadcast,
        ),
        (
            |world| world.hear(room(1), &[HERE], Way::Answer),
            Way::Answer,
        ),
        (
            |world| {
                world.look(Looking::At);
                world.remember(&[(1, &[HERE])]);
            },
            Way::Remembered,
        ),
        (
            |world| {
                world.look(Looking::At);
                world.introduce(1, &[HERE]);
            },
            Way::Introduced {
                by: DisplayName::parse("Ada").unwrap(),
            },
        ),
        (
            |world| {
                let answer = relay(&[room(1)]);
                world.list.scanned(&at(HERE), &answer, world.now());
            },
            Way::Scanned,
        ),
    ];
    for (find, way) in channels {
        let mut world = World::new();
        world.is_at(HERE, relay(&[room(1)]));
        find(&mut world);
        world.pass(SECOND);
        let found = world.one();
        assert_eq!(found.ways, std::slice::from_ref(&way), "{way:?}");
        assert_eq!((found.life, found.proof), (Life::Here, RoomProof::Proven));
        assert_eq!(found.addresses, [HERE]);
        assert_eq!(found.summary, room(1));
        assert_eq!(found.heard_at, 1_000_000);
    }
}

#[test]
fn a_room_is_listed_before_it_is_proven() {
    let mut world = World::new();
    world.beacon(room(1), HERE);
    let found = world.one();
    assert_eq!(
        (found.life, found.proof, found.known),
        (Life::Here, RoomProof::Unchecked, Known::New)
    );
}

#[test]
fn what_several_channels_tell_of_one_room_is_one_room() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    world.is_at(THERE, relay(&[room(1)]));
    world.hear(room(1), &[HERE, THERE], Way::Mdns);
    world.beacon(room(1), HERE);
    world.hear(room(1), &[THERE], Way::Broadcast);
    world.pass(10 * SECOND);
    let found = world.one();
    assert_eq!(found.ways, [Way::Mdns, Way::Multicast, Way::Broadcast]);
    assert_eq!(found.addresses, [HERE, THERE]);
}

/// A link-local address may be heard and proven first, and is dialled last.
#[test]
fn addresses_stand_in_the_order_in_which_they_are_dialled() {
    const CABLE: &str = "[fe80::9%eth0]:4470";
    let all = [CABLE, HERE, THERE];
    // What is proven comes before what is only said.
    for (proven, order) in [
        (&[][..], [HERE, THERE, CABLE]),
        (&[CABLE], [CABLE, HERE, THERE]),
        (&[THERE], [THERE, HERE, CABLE]),
        (&[CABLE, THERE], [THERE, CABLE, HERE]),
        (&all, [HERE, THERE, CABLE]),
    ] {
        let mut world = World::new();
        for address in proven {
            world.is_at(address, relay(&[room(1)]));
        }
        for address in all {
            world.beacon(room(1), address);
        }
        world.pass(2 * SECOND);
        assert_eq!(world.one().addresses, order);
        let (_, addresses) = world.list.way_to(id(1)).unwrap();
        assert_eq!(addresses, order.map(at));
    }
}

#[test]
fn f74_who_claims_to_be_a_proven_room_changes_nothing_of_it() {
    let mut world = World::new();
    world.remember(&[(1, &[HERE])]);
    world.is_at(HERE, relay(&[room(1)]));
    // It says that it has the room, and does not prove it; it is first.
    world.is_at(
        THERE,
        Answer::Relay {
            proven: Vec::new(),
            refused: vec![id(1)],
        },
    );
    let lie = || RoomSummary {
        online: 99,
        locked: true,
        ..named(1, "Send me your passcode")
    };
    world.beacon(lie(), THERE);
    assert_eq!(world.one().summary.name, room(1).name, "it is known here");
    world.pass(SECOND);
    assert_eq!(world.away(), Vanished::NotSeen);
    assert_eq!(world.sighted(), []);
    world.beacon(room(1), HERE);
    world.pass(SECOND);
    for _ in 0..200 {
        world.beacon(lie(), THERE);
        world.hear(lie(), &[THERE], Way::Mdns);
        // Its claim may name the right address, too.
        world.hear(lie(), &[THERE, HERE], Way::Mdns);
        world.beacon(room(1), HERE);
        let found = world.one();
        assert_eq!(found.summary, room(1));
        assert_eq!((found.life, found.proof), (Life::Here, RoomProof::Proven));
        assert_eq!(found.addresses, [HERE]);
        world.pass(10 * SECOND);
    }
    let (name, addresses) = world.list.way_to(id(1)).unwrap();
    assert_eq!((name, addresses), (room(1).name, vec![at(HERE)]));
    assert_eq!(world.sighted(), [(id(1), vec![at(HERE)])]);
}

#[test]
fn the_doctor_misses_who_was_there_since_the_start_and_nobody_else() {
    let mut world = World::new();
    world.remember(&[(1, &[HERE])]);
    world.look(Looking::At);
    world.pass(SECOND);
    assert_eq!(world.list.peers(), []);
    world.is_at(HERE, relay(&[room(1)]));
    world.beacon(room(1), HERE);
    world.pass(60 * SECOND);
    let there = [format!("{HERE}:4470").parse().unwrap()];
    assert_eq!(world.list.peers(), there);
    world.is_at(HERE, Answer::Nobody);
    world.pass(SIGHTING_LASTS + 600 * SECOND);
    assert_eq!(world.away(), Vanished::Silent);
    assert_eq!(world.list.peers(), there);
}

/// Gone does not mean that anybody may take its place.
#[test]
fn f74_a_room_that_was_proven_is_back_only_when_it_is_proven_again() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    world.beacon(room(1), HERE);
    world.pass(SECOND);
    world.is_at(HERE, Answer::Nobody);
    world.pass(SIGHTING_LASTS + SECOND);
    assert_eq!(world.away(), Vanished::Silent);
    world.beacon(named(1, "Send me your passcode"), THERE);
    assert_eq!(world.away(), Vanished::Silent);
    world.is_at(THERE, relay(&[room(1)]));
    world.pass(SECOND);
    assert_eq!(world.one().life, Life::Here);
    assert_eq!(world.one().summary.name, room(1).name);
}

/// Somebody who hosts nothing calls out a room that nobody has.
#[test]
fn f74_who_proves_nothing_vanishes_and_does_not_come_back_by_saying_it_again() {
    for answer in [
        Answer::Stranger,
        relay(&[]),
        relay(&[room(2)]),
        Answer::Relay {
            proven: Vec::new(),
            refused: vec![id(1)],
        },
    ] {
        let mut world = World::new();
        world.is_at(HERE, answer);
        world.beacon(room(1), HERE);
        world.pass(SECOND);
        assert_eq!(world.away(), Vanished::NotItself);
        let mut seen = 0;
        for _ in 0..60 {
            world.pass(15 * SECOND);
            world.beacon(room(1), HERE);
            seen += world.shown().len();
        }
        assert!(seen <= 4, "it was there {seen} times");
        assert_eq!(world.shown(), []);
        assert_eq!(world.list.way_to(id(1)).unwrap().1, []);
    }
}

#[test]
fn what_is_said_of_a_room_where_it_was_proven_is_taken() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    world.beacon(room(1), HERE);
    world.pass(SECOND);
    let livelier = RoomSummary {
        online: 5,
        ..room(1)
    };
    world.beacon(livelier.clone(), HERE);
    assert_eq!(world.one().summary, livelier);
    world.pass(20 * SECOND);
    assert_eq!(world.asked.len(), 1);
}

/// Anybody can send a datagram in another's name.
#[test]
fn what_a_room_is_known_by_or_bars_its_door_is_asked_for_where_it_was_proven() {
    let changes: [fn(&mut RoomSummary); 5] = [
        |room| room.name = RoomName::parse("Another").unwrap(),
        |room| room.host = Some(DisplayName::parse("Ada").unwrap()),
        |room| room.full = true,
        |room| room.locked = true,
        |room| room.admission = Admission::Passcode,
    ];
    for change in changes {
        let mut world = World::new();
        world.is_at(HERE, relay(&[room(1)]));
        world.beacon(room(1), HERE);
        world.pass(SECOND);
        let mut changed = room(1);
        change(&mut changed);
        world.beacon(changed.clone(), HERE);
        assert_eq!(world.one().summary, room(1));
        world.pass(20 * SECOND);
        assert_eq!((world.one().summary, world.asked.len()), (room(1), 2));
        world.is_at(HERE, relay(std::slice::from_ref(&changed)));
        world.beacon(changed.clone(), HERE);
        world.pass(20 * SECOND);
        assert_eq!(world.one().summary, changed);
    }
}

#[test]
fn f74_a_stranger_is_not_the_reason_why_a_known_room_is_away() {
    let strangers = [
        Answer::Stranger,
        relay(&[]),
        Answer::Relay {
            proven: Vec::new(),
            refused: vec![id(1)],
        },
    ];
    for stranger in strangers {
        let claim = |world: &mut World| {
            world.is_at(THERE, stranger.clone());
            world.beacon(room(1), THERE);
            world.pass(10 * SECOND);
            let first = world.away();
            world.gone(1, THERE, Way::Multicast);
            world.pass(10 * SECOND);
            [first, world.away()]
        };
        let mut world = World::new();
        world.remember(&[(1, &[HERE])]);
        world.look(Looking::At);
        assert_eq!(claim(&mut world), [Vanished::NotSeen; 2]);
        // Nothing was asked where it was joined: that is elsewhere.
        let mut world = World::new();
        world.remember(&[(1, &["chat.example.org"])]);
        assert_eq!(claim(&mut world), [Vanished::NotSeen; 2]);
        let mut world = World::new();
        world.is_at(HERE, relay(&[room(1)]));
        world.beacon(room(1), HERE);
        world.pass(SECOND);
        world.is_at(HERE, Answer::Nobody);
        world.pass(SIGHTING_LASTS + SECOND);
        assert_eq!(claim(&mut world), [Vanished::Silent; 2]);
    }
}

#[test]
fn a_silent_room_is_asked_and_fades() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    world.beacon(room(1), HERE);
    world.pass(SIGHTING_LASTS.saturating_sub(SECOND));
    assert_eq!(world.one().life, Life::Here);
    assert_eq!(world.asked.len(), 1, "it is heard: nothing is asked");
    // Its datagrams are lost and it is there all the same.
    world.pass(20 * SECOND);
    assert_eq!(world.one().life, Life::Here);
    assert!(world.asked.len() > 1);
    world.beacon(room(1), HERE);
    world.is_at(HERE, Answer::Nobody);
    world.pass(SIGHTING_LASTS + SECOND);
    assert_eq!(world.away(), Vanished::Silent);
    world.pass(NEARBY_FADE);
    assert_eq!(world.shown(), []);
}

#[test]
fn a_room_that_is_closed_says_so_and_a_forged_goodbye_ends_nothing() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    world.beacon(room(1), HERE);
    world.hear(room(1), &[HERE], Way::Mdns);
    world.pass(SECOND);
    world.gone(1, THERE, Way::Multicast);
    world.gone(1, HERE, Way::Multicast);
    world.gone(1, HERE, Way::Mdns);
    world.pass(20 * SECOND);
    assert_eq!(world.one().life, Life::Here, "it answers");
    world.beacon(room(1), HERE);
    world.is_at(HERE, relay(&[]));
    world.gone(1, HERE, Way::Multicast);
    world.pass(10 * SECOND);
    assert_eq!(world.away(), Vanished::Closed);
    world.pass(NEARBY_FADE);
    assert_eq!(world.shown(), []);
    // It opens again.
    world.is_at(HERE, relay(&[room(1)]));
    world.beacon(room(1), HERE);
    world.pass(10 * SECOND);
    assert_eq!(world.one().life, Life::Here);
}

#[test]
fn an_unproven_room_that_says_goodbye_is_closed_at_once() {
    let mut world = World::new();
    world.beacon(room(1), HERE);
    world.list.tick(world.now());
    world.gone(1, HERE, Way::Broadcast);
    assert_eq!(world.away(), Vanished::Closed);
}

#[test]
fn mdns_lasts_while_it_is_told_again_or_until_it_is_taken_back() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    let told = |world: &mut World| {
        for _ in 0..40 {
            world.hear(room(1), &[HERE], Way::Mdns);
            world.pass(15 * SECOND);
        }
    };
    told(&mut world);
    assert_eq!(world.one().life, Life::Here);
    assert_eq!(world.asked.len(), 1);
    world.is_at(HERE, Answer::Nobody);
    world.gone(1, HERE, Way::Mdns);
    world.pass(SECOND);
    assert_eq!(world.away(), Vanished::Closed);
    // Whoever told it tells nothing any more, not even that it is gone.
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    told(&mut world);
    world.is_at(HERE, Answer::Nobody);
    world.pass(SIGHTING_LASTS + SECOND);
    assert_eq!(world.away(), Vanished::Silent);
}

/// What stops telling of it is this computer.
#[test]
fn a_room_of_which_mdns_told_is_not_closed_because_nobody_looks_any_more() {
    let mut world = World::new();
    world.look(Looking::At);
    world.is_at(HERE, relay(&[room(1)]));
    world.hear(room(1), &[HERE], Way::Mdns);
    world.hear(room(2), &[THERE], Way::Mdns);
    world.ask();
    let asked = world.asked.len();
    world.look(Looking::Away);
    world.list.browsing_ended(world.now());
    world.gone(1, HERE, Way::Mdns);
    world.gone(2, THERE, Way::Mdns);
    world.pass(600 * SECOND);
    assert_eq!(world.asked.len(), asked, "nobody looks");
    assert_eq!(world.one().life, Life::Here);
    world.is_at(HERE, Answer::Nobody);
    world.look(Looking::At);
    world.pass(SECOND);
    assert_eq!(world.away(), Vanished::Silent);
}

/// A firewall lets datagrams out and no connection in.
#[test]
fn who_calls_out_and_cannot_be_reached_stays_listed_as_that() {
    let mut world = World::new();
    for _ in 0..40 {
        world.beacon(room(1), HERE);
        world.pass(15 * SECOND);
    }
    assert_eq!(world.away(), Vanished::Unreachable);
    assert!(world.asked.len() < 10, "{}", world.asked.len());
    world.is_at(HERE, relay(&[room(1)]));
    for _ in 0..80 {
        world.beacon(room(1), HERE);
        world.pass(15 * SECOND);
    }
    assert_eq!(world.one().life, Life::Here);
}

#[test]
fn remembered_rooms_stay_and_are_asked_only_while_somebody_looks() {
    let mut world = World::new();
    world.remember(&[(1, &[HERE]), (2, &[THERE])]);
    world.is_at(HERE, relay(&[room(1)]));
    world.is_at(THERE, relay(&[]));
    world.pass(600 * SECOND);
    assert_eq!(world.asked, []);
    assert_eq!(world.shown().len(), 2);
    for found in world.shown() {
        assert_eq!(found.known, Known::Joined);
        let Life::Away { why, .. } = found.life else {
            panic!("it is here");
        };
        assert_eq!(why, Vanished::NotSeen);
    }
    world.look(Looking::At);
    world.pass(10 * SECOND);
    let shown = world.shown();
    assert_eq!(shown[0].life, Life::Here);
    assert_eq!(shown[0].summary, room(1));
    assert!(
        matches!(
            shown[1].life,
            Life::Away {
                why: Vanished::Moved,
                ..
            }
        ),
        "{shown:?}"
    );
    world.look(Looking::Away);
    let asked = world.asked.len();
    world.pass(3_600 * SECOND);
    assert_eq!(world.asked.len(), asked);
    assert_eq!(world.shown().len(), 2);
    // Forgotten ones go.
    world.remember(&[(2, &[THERE])]);
    world.is_at(HERE, Answer::Nobody);
    world.look(Looking::At);
    world.pass(NEARBY_FADE + 200 * SECOND);
    assert_eq!(world.one().summary.room, id(2));
}

#[test]
fn f70_a_room_that_moved_is_proven_where_it_is_now() {
    let mut world = World::new();
    world.remember(&[(1, &[HERE])]);
    world.is_at(HERE, relay(&[room(1)]));
    world.beacon(room(1), HERE);
    world.pass(SECOND);
    assert_eq!(world.sighted(), [(id(1), vec![at(HERE)])]);
    // The host gets another address, and somebody else gets its.
    world.open(room(1), Presence::Lost);
    world.is_at(HERE, relay(&[room(9)]));
    world.is_at("192.168.1.30:4471", relay(&[room(1)]));
    world.sighted();
    world.beacon(room(1), "192.168.1.30:4471");
    world.pass(2 * SECOND);
    let found = world.sighted();
    assert!(found[0].1.contains(&at("192.168.1.30:4471")), "{found:?}");
    world.pass(SIGHTING_LASTS);
    world.beacon(room(1), "192.168.1.30:4471");
    world.pass(SECOND);
    assert_eq!(world.one().known, Known::Joined);
    let (_, addresses) = world.list.way_to(id(1)).unwrap();
    assert_eq!(addresses[0], at("192.168.1.30:4471"));
}

/// What mDNS told is told again long after it stopped being true.
#[test]
fn f70_a_lost_room_is_asked_where_mdns_tells_though_it_is_told_where_it_was_too() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    world.hear(room(1), &[HERE], Way::Mdns);
    world.pass(SECOND);
    world.open(room(1), Presence::Online);
    world.is_at(HERE, Answer::Nobody);
    world.is_at(THERE, relay(&[room(1)]));
    world.hear(room(1), &[HERE, THERE], Way::Mdns);
    world.pass(10 * SECOND);
    assert_eq!(world.asked.len(), 1, "who is in it asks nothing");
    world.open(room(1), Presence::Lost);
    world.sighted();
    world.hear(room(1), &[HERE, THERE], Way::Mdns);
    world.pass(5 * SECOND);
    let found = world.sighted();
    assert_eq!(found, [(id(1), vec![at(THERE)])], "{:?}", world.asked);
}

/// The connection does not know yet that its host moved.
#[test]
fn f70_who_is_in_a_room_asks_once_where_it_is_called_out_anew() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    world.beacon(room(1), HERE);
    world.pass(SECOND);
    world.open(room(1), Presence::Online);
    world.sighted();
    world.is_at(THERE, relay(&[room(1)]));
    for _ in 0..3 {
        world.beacon(room(1), THERE);
        world.pass(10 * SECOND);
    }
    assert_eq!(world.asked.len(), 2, "{:?}", world.asked);
    let found = world.sighted();
    assert!(
        found
            .iter()
            .any(|(_, addresses)| addresses.contains(&at(THERE)))
    );
}

/// A relay that starts again where it was is not waited for.
#[test]
fn f70_a_lost_room_that_is_heard_where_it_was_is_told_again() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    world.open(room(1), Presence::Lost);
    world.beacon(room(1), HERE);
    world.pass(SECOND);
    assert_eq!(world.sighted().len(), 1);
    world.open(room(1), Presence::Online);
    assert_eq!(world.sighted(), []);
    world.open(room(1), Presence::Lost);
    assert_eq!(world.sighted().len(), 1);
    world.beacon(room(1), HERE);
    assert_eq!(world.sighted().len(), 1);
}

#[test]
fn another_key_under_a_known_name_at_a_known_address_is_told() {
    let mut world = World::new();
    world.remember(&[(1, &[HERE])]);
    let impostor = RoomSummary {
        room: id(2),
        ..room(1)
    };
    world.is_at(HERE, relay(std::slice::from_ref(&impostor)));
    world.beacon(impostor.clone(), HERE);
    let known = |world: &World| world.list.known_of(id(2)).unwrap();
    assert_eq!(known(&world), Known::New, "anybody can say so");
    world.pass(SECOND);
    assert_eq!(
        known(&world),
        Known::KeyChanged {
            room: id(1),
            fingerprint: id(1).fingerprint()
        }
    );
    // Where the known one was only said to be it never was.
    let mut world = World::new();
    let before = Acquainted {
        room: id(1),
        name: room(1).name,
        addresses: vec![at(THERE), at(HERE)],
        worked: vec![at(THERE)],
    };
    world.list.remembered(vec![before], world.now());
    world.is_at(HERE, relay(std::slice::from_ref(&impostor)));
    world.beacon(impostor.clone(), HERE);
    world.pass(SECOND);
    assert_eq!(known(&world), Known::New);
    // Elsewhere it is another room of that name, and so it is beside the known one.
    let mut world = World::new();
    world.remember(&[(1, &[HERE])]);
    world.is_at(THERE, relay(std::slice::from_ref(&impostor)));
    world.beacon(impostor.clone(), THERE);
    world.pass(SECOND);
    assert_eq!(known(&world), Known::New);
    let mut world = World::new();
    world.remember(&[(1, &[HERE])]);
    world.is_at(HERE, relay(&[room(1), impostor.clone()]));
    world.beacon(room(1), HERE);
    world.beacon(impostor, HERE);
    world.pass(SECOND);
    assert_eq!(known(&world), Known::New);
}

#[test]
fn hidden_rooms_are_listed_for_those_who_know_them_only() {
    let hidden = RoomSummary {
        hidden: true,
        ..room(1)
    };
    let mut world = World::new();
    world.is_at(HERE, relay(std::slice::from_ref(&hidden)));
    world.beacon(hidden.clone(), HERE);
    world.look(Looking::At);
    world.introduce(1, &[HERE]);
    let answer = relay(std::slice::from_ref(&hidden));
    world.list.scanned(&at(HERE), &answer, world.now());
    world.pass(10 * SECOND);
    assert_eq!(world.shown(), []);
    world.remember(&[(1, &[HERE])]);
    assert_eq!(world.one().life, Life::Here);
    assert_eq!(world.list.to_introduce(), []);
    world.open(hidden, Presence::Online);
    assert_eq!(world.list.to_introduce(), []);
}

#[test]
fn others_are_told_of_what_is_called_out_and_proven_or_open_here() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    world.beacon(room(1), HERE);
    assert_eq!(world.list.to_introduce(), [], "not proven yet");
    world.pass(SECOND);
    world.beacon(room(2), THERE);
    world.is_at("192.168.1.12", relay(&[room(3)]));
    world.remember(&[(3, &["192.168.1.12"])]);
    world.look(Looking::At);
    world.open(room(4), Presence::Hosted);
    world.pass(10 * SECOND);
    let told: Vec<_> = world.list.to_introduce();
    let told: Vec<_> = told
        .iter()
        .map(|told| (told.room, told.addresses.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (id(4), vec!["192.168.1.2:4470".to_owned()]),
            (id(1), vec![format!("{HERE}:4470")]),
        ],
        "what nobody calls out is not told"
    );
    // Not what is only on this computer or on one cable.
    let mut world = World::new();
    world.is_at("[fe80::9%eth0]", relay(&[room(1)]));
    world.beacon(room(1), "[fe80::9%eth0]");
    world.is_at("127.0.0.1", relay(&[room(2)]));
    world.beacon(room(2), "127.0.0.1");
    world.pass(10 * SECOND);
    assert_eq!(world.shown().len(), 2);
    assert_eq!(world.list.to_introduce(), []);
}

#[test]
fn what_is_introduced_is_asked_while_somebody_looks_or_waits_for_it() {
    let mut world = World::new();
    world.is_at("10.2.3.4", relay(&[room(1)]));
    world.introduce(1, &["10.2.3.4"]);
    world.pass(600 * SECOND);
    assert_eq!(world.asked, []);
    assert_eq!(world.shown(), []);
    world.open(room(1), Presence::Lost);
    world.pass(SECOND);
    assert_eq!(world.sighted(), [(id(1), vec![at("10.2.3.4")])]);
    // Taken back before anybody asked.
    let mut world = World::new();
    world.introduce(1, &["10.2.3.4"]);
    world.tell(ADA, "Ada", &[]);
    world.look(Looking::At);
    world.pass(10 * SECOND);
    assert_eq!(world.asked, []);
    world.introduce(1, &["10.2.3.4"]);
    world.list.still_in(&[], world.now());
    world.pass(10 * SECOND);
    assert_eq!(world.asked, []);
}

fn lab(addresses: &[&str]) -> Introduced {
    Introduced {
        room: id(1),
        name: room(1).name,
        addresses: addresses.iter().map(ToString::to_string).collect(),
    }
}

/// The same computer has another name in another conversation, and two people may have the same one.
#[test]
fn what_one_member_tells_is_taken_back_by_that_one_alone() {
    let bob = Teller {
        member: MemberId([2; 32]),
        ..ADA
    };
    let asked = |tell: &dyn Fn(&mut World)| {
        let mut world = World::new();
        tell(&mut world);
        world.look(Looking::At);
        world.pass(10 * SECOND);
        world.asked.len()
    };
    let told = [lab(&["10.2.3.4"])];
    let both = |world: &mut World| {
        world.tell(ADA, "Ada", &told);
        world.tell(bob, "Ada", &told);
    };
    let one = asked(&|world| {
        both(world);
        world.tell(bob, "Bob", &[]);
    });
    assert_eq!(one, 1);
    let none = asked(&|world| {
        both(world);
        world.tell(bob, "Bob", &[]);
        world.tell(ADA, "Somebody else", &[]);
    });
    assert_eq!(none, 0);
    let left = asked(&|world| {
        both(world);
        let elsewhere = Teller {
            via: id(201),
            ..ADA
        };
        world.tell(elsewhere, "Ada", &[lab(&["10.2.3.5"])]);
        world.list.still_in(&[id(202)], world.now());
    });
    assert_eq!(left, 0);
    let moved = asked(&|world| {
        world.tell(ADA, "Ada", &told);
        world.tell(ADA, "Ada", &[lab(&["10.2.3.5"])]);
    });
    assert_eq!(moved, 1);
}

#[test]
fn what_is_told_while_nobody_wants_to_hear_counts_later() {
    let mut world = World::new();
    world.look(Looking::At);
    world.is_at("10.2.3.4", relay(&[room(1)]));
    world.introduce(1, &["10.2.3.4"]);
    world.pass(SECOND);
    world.list.discovery(Discovery::Off, world.now());
    assert_eq!(world.shown(), []);
    world.introduce(1, &["10.2.3.4"]);
    world.pass(60 * SECOND);
    assert_eq!((world.shown(), world.asked.len()), (vec![], 1));
    world.list.discovery(Discovery::On, world.now());
    world.pass(SECOND);
    assert_eq!(world.one().life, Life::Here);
    // Unless it was taken back.
    world.list.discovery(Discovery::Off, world.now());
    world.tell(ADA, "Ada", &[]);
    world.list.discovery(Discovery::On, world.now());
    world.pass(SECOND);
    assert_eq!(world.shown(), []);
}

/// Members are made for nothing where somebody runs a relay of his own.
#[test]
fn a_crowd_that_tells_of_rooms_takes_no_more_room_than_a_few() {
    let mut world = World::new();
    for number in 0..=255 {
        let teller = Teller {
            member: MemberId([number; 32]),
            ..ADA
        };
        world.tell(teller, "Ada", &[lab(&["10.2.3.4"])]);
    }
    let room = &world.list.rooms[&id(1)];
    assert_eq!(room.places[0].claims.len(), 16);
    // What everybody else may tell of is bounded, too; who told of something may take it back.
    let others: Vec<Introduced> = (0..16)
        .map(|number| Introduced {
            room: id(number + 10),
            ..lab(&["10.2.3.5"])
        })
        .collect();
    world.tell(ADA, "Ada", &others);
    assert!(!world.list.rooms.contains_key(&id(12)));
    for number in 0..=255 {
        let teller = Teller {
            member: MemberId([number; 32]),
            ..ADA
        };
        world.tell(teller, "Ada", &[]);
    }
    assert!(world.list.rooms.is_empty());
    world.tell(ADA, "Ada", &others);
    assert_eq!(world.list.rooms.len(), 16);
}

/// Nobody makes others call somebody in the internet by saying that a room is there.
#[test]
fn addresses_elsewhere_are_not_asked_for_a_hint() {
    let elsewhere = [
        "203.0.113.7",
        "chat.example.org",
        "[2001:db8::1]",
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "239.255.68.70",
        "255.255.255.255",
    ];
    let mut world = World::new();
    world.look(Looking::At);
    world.introduce(1, &elsewhere);
    world.hear(room(2), &elsewhere, Way::Mdns);
    world.pass(60 * SECOND);
    assert_eq!(world.asked, []);
    assert_eq!(world.shown(), []);
    // In the own network they are, as those are to whom one went before.
    let mut world = World::new();
    world.list = List::new(
        Arc::new(Networks(vec![network("eth0", "203.0.113.1", 24)])),
        1,
    );
    world.look(Looking::At);
    world.introduce(1, &["203.0.113.7"]);
    world.pass(60 * SECOND);
    assert_eq!(world.asked.len(), 1);
}

/// Whoever opens the window in a train does not call everybody he ever wrote to.
#[test]
fn where_a_room_was_joined_in_the_internet_is_dialled_when_somebody_joins_it() {
    let far = ["203.0.113.7", "chat.example.org", "localhost"];
    let mut world = World::new();
    world.look(Looking::At);
    world.remember(&[
        (1, &far),
        (2, &["203.0.113.8", "10.1.2.3:80", "127.0.0.1:7000"]),
    ]);
    world.pass(60 * SECOND);
    let mut asked: Vec<_> = world.asked.iter().map(|(_, address)| address).collect();
    asked.sort_by_key(|address| address.port);
    assert_eq!(asked, [&at("10.1.2.3:80"), &at("127.0.0.1:7000")]);
    let (_, mut way) = world.list.way_to(id(1)).unwrap();
    let mut far = far.map(at);
    way.sort_by_key(ToString::to_string);
    far.sort_by_key(ToString::to_string);
    assert_eq!(way, far);
    let shown = world.shown();
    let first = shown.iter().find(|found| found.summary.room == id(1));
    assert_eq!(first.unwrap().addresses.len(), 3);
    // This computer comes into that network.
    let there = Arc::new(Networks(vec![network("eth0", "203.0.113.1", 24)]));
    world.list.networks(there, world.now());
    world.pass(60 * SECOND);
    assert!(
        world
            .asked
            .iter()
            .any(|(_, asked)| *asked == at("203.0.113.7"))
    );
}

/// The ports of other services are not knocked at for a hint.
#[test]
fn only_ports_of_relays_are_dialled_for_a_hint() {
    type Find = fn(&mut World, &[&str]);
    let named: [Find; 2] = [
        |world, at| world.introduce(1, at),
        |world, at| world.hear(room(1), at, Way::Mdns),
    ];
    for find in named {
        let mut world = World::new();
        world.look(Looking::At);
        let ports = [22, 80, 4_469, 4_470, 4_489, 4_490, 50_000];
        let ports = ports.map(|port| format!("{HERE}:{port}"));
        find(&mut world, &ports.each_ref().map(String::as_str));
        world.pass(60 * SECOND);
        let mut asked: Vec<u16> = world.asked.iter().map(|(_, at)| at.port).collect();
        asked.sort_unstable();
        asked.dedup();
        assert_eq!(asked, [4_470, 4_489]);
    }
    // Where the system gave a port, only the host itself says so.
    for (port, dialled) in [(25, 0), (1_023, 0), (1_024, 1), (50_000, 1)] {
        let mut world = World::new();
        world.beacon(room(1), &format!("{HERE}:{port}"));
        world.pass(SECOND);
        assert_eq!(world.asked.len(), dialled, "{port}");
    }
}

#[test]
fn rooms_of_a_network_that_was_left_go_and_others_are_asked_again() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    world.is_at("10.9.9.9", relay(&[room(2)]));
    world.beacon(room(1), HERE);
    world.hear(room(2), &["10.9.9.9"], Way::Mdns);
    world.pass(SECOND);
    let asked = world.asked.len();
    let away = Arc::new(Networks(vec![network("wlan0", "10.0.0.3", 24)]));
    world.list.networks(away, world.now());
    let shown = world.shown();
    assert_eq!(shown[0].summary.room, id(2));
    assert!(matches!(
        shown[1].life,
        Life::Away {
            why: Vanished::OtherNetwork,
            ..
        }
    ));
    world.pass(10 * SECOND);
    assert!(world.asked.len() > asked);
    world.pass(NEARBY_FADE);
    assert_eq!(world.one().summary.room, id(2));
}

#[test]
fn who_is_here_comes_first_and_who_knows_best_first_of_these() {
    let mut world = World::new();
    world.remember(&[(1, &[HERE]), (2, &[THERE])]);
    for (number, address) in [(2, THERE), (3, "192.168.1.13"), (4, "192.168.1.14")] {
        world.is_at(address, relay(&[room(number)]));
        world.beacon(room(number), address);
    }
    world.beacon(named(5, "Aardvark"), "192.168.1.15");
    world.open(room(6), Presence::Hosted);
    let order: Vec<_> = world.shown().iter().map(|room| room.summary.room).collect();
    assert_eq!(order, [id(6), id(2), id(5), id(3), id(4), id(1)]);
    assert!(world.shown()[0].hosted);
    world.open(room(6), Presence::HostedIdle);
    let last = world.shown();
    let hosted = last.iter().find(|room| room.hosted).unwrap();
    assert!(matches!(
        hosted.life,
        Life::Away {
            why: Vanished::Closed,
            ..
        }
    ));
}

#[test]
fn one_host_claims_no_more_rooms_than_a_relay_has() {
    let mut world = World::new();
    for number in 0..200 {
        world.beacon(room(number), HERE);
    }
    assert_eq!(world.shown().len(), NEARBY_ROOMS_OF_ADDRESS);
    world.beacon(room(250), THERE);
    assert_eq!(world.shown().len(), NEARBY_ROOMS_OF_ADDRESS + 1);
}

#[test]
fn a_flood_of_claims_pushes_nothing_out_that_is_known_or_proven() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    world.beacon(room(1), HERE);
    world.remember(&[(2, &[THERE])]);
    world.open(room(3), Presence::Hosted);
    world.pass(SECOND);
    for number in 0..3_000_u32 {
        let mut claimed = room(9);
        claimed.room.0[..4].copy_from_slice(&number.to_be_bytes());
        let address = format!("192.168.1.{}:{}", 20 + number % 200, 1_000 + number);
        world.beacon(claimed, &address);
    }
    let shown = world.shown();
    assert_eq!(shown.len(), NEARBY_ROOMS);
    for number in [1, 2, 3] {
        assert!(shown.iter().any(|room| room.summary.room == id(number)));
    }
    // Somebody new is still heard, and asked, after those who were before.
    world.is_at(THERE, relay(&[room(8)]));
    for _ in 0..12 {
        world.beacon(room(8), THERE);
        world.pass(15 * SECOND);
    }
    let shown = world.shown();
    let new = shown.iter().find(|room| room.summary.room == id(8));
    assert_eq!(new.unwrap().proof, RoomProof::Proven);
}

/// Rooms that prove themselves, of which somebody makes as many as he likes.
fn crowd(world: &mut World, host: u8, address: &str, rooms: u8) {
    let rooms: Vec<RoomSummary> = (0..rooms)
        .map(|number| {
            let mut room = room(number);
            room.room.0[0] = host;
            room
        })
        .collect();
    world.is_at(address, relay(&rooms));
    for summary in rooms {
        world.hear(summary, &[address], Way::Mdns);
    }
}

fn proven(world: &World, host: u8) -> usize {
    let shown = world.shown();
    let proven = shown
        .iter()
        .filter(|room| room.proof == RoomProof::Proven && room.summary.room.0[0] == host);
    proven.count()
}

#[test]
fn rooms_of_a_few_hosts_keep_nobody_elses_out() {
    let all_claim = |world: &mut World| {
        for host in 0..4 {
            crowd(world, 100 + host, &format!("192.168.1.{}", 50 + host), 64);
        }
    };
    let mut world = World::new();
    for _ in 0..4 {
        all_claim(&mut world);
        world.pass(15 * SECOND);
    }
    let many = |world: &World| -> usize { (100..104).map(|host| proven(world, host)).sum() };
    assert_eq!(many(&world), 224);
    // What they say beyond their share is not even asked for.
    let asked = world.asked.len();
    assert!(asked <= 24, "{asked}");
    all_claim(&mut world);
    world.pass(10 * SECOND);
    assert_eq!(world.asked.len(), asked);
    // Somebody else is found, as are rooms that were joined before.
    crowd(&mut world, 1, THERE, 3);
    world.remember(&[(2, &[HERE])]);
    world.is_at(HERE, relay(&[room(2)]));
    world.beacon(room(2), HERE);
    world.pass(20 * SECOND);
    assert_eq!(
        (proven(&world, 1), proven(&world, 2), many(&world)),
        (3, 1, 221)
    );
    let least = (100..104).map(|host| proven(&world, host)).min();
    assert!(least >= Some(55), "{least:?}");
    assert!(world.shown().len() <= NEARBY_ROOMS);
}

/// Whoever has a network of IPv6 has more addresses than anybody can count.
#[test]
fn many_addresses_of_one_network_are_one_crowd_beside_others() {
    for prefix in ["fd00:0:0:1::", "fe80::"] {
        let zone = if prefix == "fe80::" { "%eth0" } else { "" };
        let mut world = World::new();
        for host in 0..=239 {
            crowd(
                &mut world,
                10 + host / 2,
                &format!("[{prefix}{host:x}:1{zone}]"),
                1 + host % 2,
            );
            world.pass(SECOND);
        }
        for host in 10..130 {
            assert!(proven(&world, host) <= 2);
        }
        crowd(&mut world, 1, "[fd00:0:0:2::1]", 5);
        world.pass(2 * SECOND);
        // Not all at once.
        for _ in 0..3 {
            crowd(&mut world, 2, THERE, 60);
            world.pass(3 * SECOND);
        }
        assert_eq!((proven(&world, 1), proven(&world, 2)), (5, 60), "{prefix}");
    }
}

#[test]
fn known_rooms_and_those_of_strangers_leave_each_other_half_of_the_list() {
    let mut world = World::new();
    let known: Vec<String> = (0..=255)
        .map(|number| format!("192.168.7.{number}"))
        .collect();
    let before = (0..=255).zip(&known).map(|(number, address)| Acquainted {
        room: id(number),
        name: room(number).name,
        addresses: vec![at(address)],
        worked: Vec::new(),
    });
    world.list.remembered(before.collect(), world.now());
    assert_eq!(world.shown().len(), NEARBY_ROOMS);
    for host in 0..4 {
        crowd(
            &mut world,
            100 + host,
            &format!("192.168.1.{}", 50 + host),
            64,
        );
    }
    world.pass(10 * SECOND);
    let shown = world.shown();
    let joined = shown.iter().filter(|room| room.known == Known::Joined);
    assert_eq!(
        (joined.count(), shown.len()),
        (NEARBY_ROOMS / 2, NEARBY_ROOMS)
    );
}

#[test]
fn whoever_names_many_addresses_waits_behind_whoever_names_one() {
    let mut world = World::new();
    for number in 10..70 {
        let port = 2_000 + u16::from(number);
        world.beacon(room(number), &format!("{HERE}:{port}"));
    }
    world.pass(5 * SECOND);
    world.is_at(THERE, relay(&[room(1)]));
    world.beacon(room(1), THERE);
    world.pass(SECOND);
    assert!(world.asked.iter().any(|(_, address)| *address == at(THERE)));
}

#[test]
fn fifty_rooms_at_one_address_are_proven_by_a_question_or_two() {
    let mut world = World::new();
    let rooms: Vec<RoomSummary> = (0..50).map(room).collect();
    world.is_at(HERE, relay(&rooms));
    for summary in rooms {
        world.beacon(summary, HERE);
        world.now += Duration::from_millis(60);
        world.ask();
    }
    world.pass(5 * SECOND);
    let shown = world.shown();
    assert_eq!(shown.len(), 50);
    assert!(shown.iter().all(|room| room.proof == RoomProof::Proven));
    assert!(world.asked.len() <= 4, "{:?}", world.asked);
}

/// What a computer sends that stands in a busy place for an hour, with the list in view: fifty rooms that call out, as
/// many that were joined before and are not there, liars, and members who tell of more.
#[test]
fn the_questions_of_an_hour_are_bounded() {
    let mut world = World::new();
    world.look(Looking::At);
    let remembered: Vec<(u8, String)> = (50..100)
        .map(|number| (number, format!("192.168.7.{number}")))
        .collect();
    let remembered = remembered.iter().map(|(number, address)| Acquainted {
        room: id(*number),
        name: room(*number).name,
        addresses: vec![at(address)],
        worked: vec![at(address)],
    });
    world.list.remembered(remembered.collect(), world.now());
    for number in 0..50 {
        world.is_at(
            &format!("192.168.1.{}", 50 + number),
            relay(&[room(number)]),
        );
    }
    world.introduce(120, &["10.3.3.3", "10.3.3.4"]);
    for _ in 0..240 {
        for number in 0..50 {
            world.beacon(room(number), &format!("192.168.1.{}", 50 + number));
        }
        for number in 100..110 {
            // Nobody answers there.
            world.beacon(room(number), &format!("192.168.1.{}", 50 + number));
        }
        world.pass(15 * SECOND);
    }
    let shown = world.shown();
    let here = shown.iter().filter(|room| room.life == Life::Here);
    assert_eq!(here.count(), 50);
    // 50 once; 50 remembered ones less and less often; ten that do not answer likewise; two introduced ones.
    let asked = world.asked.len();
    println!("{asked} questions in an hour");
    assert!((100..450).contains(&asked), "{asked} questions");
    // Without anybody who looks: what calls out, once each.
    let mut world = World::new();
    for number in 0..50 {
        world.is_at(
            &format!("192.168.1.{}", 50 + number),
            relay(&[room(number)]),
        );
    }
    for _ in 0..240 {
        for number in 0..50 {
            world.beacon(room(number), &format!("192.168.1.{}", 50 + number));
        }
        world.pass(15 * SECOND);
    }
    assert_eq!(world.asked.len(), 50);
}

#[test]
fn questions_are_few_at_once_and_paced() {
    let mut world = World::new();
    for number in 0..100 {
        world.beacon(room(number), &format!("192.168.1.{}", 50 + number));
    }
    let mut running = Vec::new();
    while let Some(address) = world.list.poll(world.now()) {
        running.push(address);
    }
    assert_eq!(running.len(), PROBES_AT_ONCE);
    for address in running {
        world.list.answered(&address, &Answer::Nobody, world.now());
    }
    world.asked.clear();
    world.pass(10 * SECOND);
    assert!(
        (17..=21).contains(&world.asked.len()),
        "{}",
        world.asked.len()
    );
}

#[test]
fn nothing_that_was_heard_is_left_when_nobody_wants_to_hear() {
    let mut world = World::new();
    world.is_at(HERE, relay(&[room(1)]));
    world.beacon(room(1), HERE);
    world.remember(&[(2, &[THERE])]);
    world.pass(SECOND);
    world.list.discovery(Discovery::Off, world.now());
    assert_eq!(world.one().summary.room, id(2));
    assert_eq!(world.list.to_introduce(), []);
}

#[test]
fn no_more_is_told_than_anybody_may_tell() {
    let mut world = World::new();
    for number in 0..40 {
        let address = format!("192.168.1.{}", 50 + number);
        world.is_at(&address, relay(&[room(number)]));
        world.beacon(room(number), &address);
    }
    world.pass(30 * SECOND);
    assert_eq!(world.list.to_introduce().len(), INTRODUCED_ROOMS + 1);
}
