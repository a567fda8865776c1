//! Session and room machines in memory, under a seeded world that drops, delays, duplicates, reorders and cuts, that
//! kills either end at any point, fills disks and puts old files back, in rooms with all kinds of doors, whose owner sends
//! people out. Checked after each run: one order for all, no hole, nothing twice, per-author order, nothing lost that was
//! taken, and a signature under everything that somebody is said to have said.
#![allow(clippy::unwrap_used)]

#[path = "pair/disk.rs"]
mod disk;
#[path = "pair/relay.rs"]
mod relay;
#[path = "pair/world.rs"]
mod world;

use std::collections::HashSet;
use std::time::Duration;

use chatspot_protocol::event::{Admission, Body, Event, Moderation, Proof};
use chatspot_protocol::ids::{ClientId, MemberId, Signature};
use chatspot_protocol::session::Told;
use chatspot_protocol::view::{Item, LinkState};

use crate::world::{CALM, End, House, Proxy, Rng, Weather, World};

fn events(items: &[Item]) -> Vec<(u32, &Event)> {
    let event = |item| match item {
        &Item::Event { log, ref event, .. } => Some((log, event)),
        Item::Reset { .. } | Item::Gap { .. } => None,
    };
    items.iter().filter_map(event).collect()
}

fn weather(seed: u64, rng: &mut Rng) -> Weather {
    if seed.is_multiple_of(10) {
        return CALM;
    }
    Weather {
        drop: rng.below(25),
        duplicate: rng.below(15),
        delay_ms: rng.below(400),
        cut: rng.below(15),
        commit_ms: rng.below(30),
        relay_crash: rng.below(6),
        rollback: if rng.chance(30) { rng.below(4) } else { 0 },
        client_crash: rng.below(12),
        disk_full: rng.below(20),
        not_saved: rng.below(5),
        sleep: rng.below(4),
        moderation: if rng.chance(30) { rng.below(15) } else { 0 },
    }
}

fn house(rng: &mut Rng) -> House {
    let ways = [
        Admission::Open,
        Admission::Passcode,
        Admission::Invite,
        Admission::Knock,
    ];
    House {
        admission: ways[usize::try_from(rng.below(4)).unwrap()],
        proxy: if rng.chance(20) {
            Proxy::Web
        } else {
            Proxy::None
        },
    }
}

fn run_one(seed: u64) {
    let mut rng = Rng(seed);
    let weather = weather(seed, &mut rng);
    let members = 2 + usize::try_from(rng.below(4)).unwrap();
    let past = if rng.chance(10) { rng.below(700) } else { 0 };
    let house = house(&mut rng);
    let mut world = World::new(rng.next(), members, weather, house, past);
    let mut backwards = false;
    for number in 0..40 {
        let wait = Duration::from_millis(world.rng.below(1500));
        world.run(world.mono + wait);
        let index = usize::try_from(world.rng.below(members as u64)).unwrap();
        world.write(index, number);
        if world.rng.chance(weather.relay_crash) {
            world.crash_relay();
        }
        if world.rng.chance(weather.rollback) {
            world.roll_back();
            backwards = true;
        }
        if world.rng.chance(weather.sleep) {
            world.wake(index);
        }
        if world.rng.chance(weather.moderation) && index > 0 {
            let acts = [
                Moderation::Mute,
                Moderation::Unmute,
                Moderation::Kick,
                Moderation::Ban,
                Moderation::Unban,
            ];
            let act = usize::try_from(world.rng.below(5)).unwrap();
            world.moderate(index, acts[act]);
        }
        if world.rng.chance(20) {
            world.people_act();
        }
    }
    // The weather clears, and everything has to arrive; what failed is sent again.
    world.weather = CALM;
    // What the owner was told of the door may have been lost.
    world.wake(0);
    for round in 0..5 {
        world.run(world.mono + Duration::from_secs(120));
        // Twice, because an act of before may go again after the first time.
        if round < 2 && weather.moderation > 0 {
            for index in 1..members {
                world.moderate(index, Moderation::Unmute);
                world.moderate(index, Moderation::Unban);
            }
            world.invite_anew();
            world.run(world.mono + Duration::from_secs(5));
        }
        world.people_act();
    }
    world.run(world.mono + Duration::from_secs(60));
    check(seed, &world, seed.is_multiple_of(10), backwards);
}

fn check(seed: u64, world: &World, calm: bool, backwards: bool) {
    let log = world.whole_log();
    for (place, event) in log.iter().enumerate() {
        let wanted = place as u64 + 1;
        assert_eq!(event.seq.0, wanted, "seed {seed}: the log has a hole");
    }
    let mut idents = HashSet::new();
    for event in &log {
        let new = idents.insert((event.author, event.ident()));
        assert!(new, "seed {seed}: the log has an event twice: {event:?}");
    }
    for (ident, event) in &world.relay.told {
        // G3: what was acknowledged is in the log, unless the log itself was put back.
        assert!(
            idents.contains(ident) || world.lost.iter().any(|lost| lost.seq == event.seq),
            "seed {seed}: acknowledged, and not in the log: {event:?}"
        );
    }
    let mut signed = HashSet::new();
    for end in &world.ends {
        check_signed(seed, world, end, &mut signed);
        check_member(seed, world, end, &log, calm, backwards);
    }
}

/// G10 for one member: whoever is said to have said something signed it. `signed` are those that are looked at already.
fn check_signed(seed: u64, world: &World, end: &End, signed: &mut HashSet<Signed>) {
    let room = world.room();
    let rows = end.disk.rows.values().flatten();
    for Told { event, proof } in rows {
        assert_ne!(*proof, Proof::Missing, "seed {seed}: {event:?}");
        if signed.insert((event.author, event.ident(), event.signature)) {
            assert_eq!(*proof, event.proof(&room), "seed {seed}: {event:?}");
        }
    }
}

/// An event with its signature.
type Signed = (MemberId, ClientId, Option<Signature>);

/// G1, G2, G4, G5 and G7 for one member.
fn check_member(seed: u64, world: &World, end: &End, log: &[Event], calm: bool, backwards: bool) {
    let name = &end.name;
    assert_eq!(
        end.view.link,
        LinkState::Online,
        "seed {seed}: {name} is not back"
    );
    assert!(
        end.view.outbox.is_empty() && end.disk.outbox.is_empty(),
        "seed {seed}: {name} has unsent messages: {:?} {:?}",
        end.view.outbox,
        end.disk.outbox
    );
    // Presence is not in the log and may be lost with its frame, so it is checked where no frame is lost.
    if calm {
        assert_eq!(
            end.view.members.len(),
            world.ends.len(),
            "seed {seed}: {name} does not see everybody"
        );
    }
    let items = end.disk.items();
    let shown = events(&items);
    let mut seen = HashSet::new();
    for (_, event) in &shown {
        let new = seen.insert((event.author, event.ident()));
        assert!(new, "seed {seed}: {name} shows an event twice: {event:?}");
    }
    // The window was told what the disk has: its end, in the same order.
    let told = events(&end.view.items);
    assert!(
        shown.ends_with(&told),
        "seed {seed}: {name}'s window shows something else than its disk has"
    );
    let cursor = end.disk.cursor.unwrap();
    let rows = end
        .disk
        .rows
        .iter()
        .filter(|(place, _)| place.log == cursor.log);
    let mut wanted = cursor.low.0;
    for (place, told) in rows {
        assert_eq!(
            place.seq.0, wanted,
            "seed {seed}: {name} has a hole, a repetition or another order"
        );
        wanted += 1;
        let theirs = &log[usize::try_from(place.seq.0).unwrap() - 1];
        if let Some(told) = told {
            assert_eq!(
                &told.event, theirs,
                "seed {seed}: {name} shows what is not in the log"
            );
        } else {
            let known = seen.contains(&(theirs.author, theirs.ident()));
            assert!(known, "seed {seed}: {name} hides what it never showed");
        }
    }
    assert_eq!(
        wanted,
        world.relay.log.head().0 + 1,
        "seed {seed}: {name} misses the end"
    );
    assert_eq!(
        cursor.low.0, 1,
        "seed {seed}: {name} never got the older history"
    );
    let mine: Vec<ClientId> = log
        .iter()
        .filter(|event| event.author == end.member() && matches!(event.body, Body::Message { .. }))
        .filter_map(|event| event.body.id())
        .collect();
    if backwards {
        // What the log lost is still here with whoever saw it: nothing that was taken is nowhere.
        let lost = |id: &ClientId| {
            let mut lost = world.lost.iter();
            lost.any(|event| event.author == end.member() && event.body.id() == Some(*id))
        };
        for id in &end.wrote {
            assert!(
                mine.contains(id) || lost(id),
                "seed {seed}: {name}'s message {id} is nowhere"
            );
        }
    } else {
        let (mut mine, mut wrote) = (mine, end.wrote.clone());
        if world.sent_again {
            // What was refused goes again later, behind the others.
            mine.sort_unstable();
            wrote.sort_unstable();
        }
        assert_eq!(
            mine, wrote,
            "seed {seed}: {name}'s messages are not there once each, in order"
        );
    }
}

/// Seeds that failed once stay here.
const KEPT: &[u64] = &[
    // A message that was received and not kept was forgotten by the outbox.
    171,
    // A log that was put back got the same message at the same place again, behind others.
    1995, // Somebody joined twice in one millisecond.
    7964, // Somebody was let in, and waited on at the door because the welcome was lost.
    39,
];

#[test]
fn all_members_show_the_same_order_whatever_happens() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    };
    let runs = number("CHATSPOT_PAIR_RUNS", 150);
    let start = number("CHATSPOT_PAIR_SEED", 1);
    for seed in KEPT.iter().copied().chain(start..start + runs) {
        run_one(seed);
    }
    println!(
        "{} schedules explored, seeds {start} to {}",
        KEPT.len() as u64 + runs,
        start + runs - 1
    );
}
