//! Whatever is heard and answered in whatever order: nothing is believed that was not proven, and nothing grows.

use std::collections::HashSet;

use chatspot_protocol::limits::{NEARBY_ADDRESSES, NEARBY_ROOMS};
use chatspot_protocol::view::RoomProof;

use super::*;

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn byte(&mut self, bound: u64) -> u8 {
        u8::try_from(self.below(bound)).unwrap()
    }
}

/// Odd addresses are honest: room `n` is at `.n`. Even ones claim whatever they like and prove nothing.
fn run(seed: u64) {
    let mut random = Random(seed);
    let mut world = World::new();
    world.list = List::new(home(), seed);
    let host = |number: u8| format!("192.168.1.{}", 10 + number);
    let mut running: Vec<Address> = Vec::new();
    let mut proven: HashSet<(RoomId, Address)> = HashSet::new();
    for _ in 0..2_000 {
        let (number, other) = (random.byte(24), random.byte(24));
        let by = match random.below(4) {
            0 => Way::Mdns,
            1 => Way::Multicast,
            2 => Way::Broadcast,
            _ => Way::Answer,
        };
        match random.below(14) {
            0..3 => world.beacon(room(number), &host(number)),
            3 => world.hear(named(number, "a lie"), &[&host(other)], by),
            4 => world.hear(
                named(number, "a lie"),
                &[&host(other), &host(number)],
                Way::Mdns,
            ),
            5 => world.gone(number, &host(other), by),
            6 => world.introduce(number, &[&host(other), &host(number)]),
            7 => world.remember(&[(number, &[&host(number), &host(other)])]),
            8 => world.look(if other % 2 == 0 {
                Looking::At
            } else {
                Looking::Away
            }),
            9 => {
                let presence = match other % 5 {
                    0 => Presence::Hosted,
                    1 => Presence::HostedIdle,
                    2 => Presence::Online,
                    3 => Presence::Lost,
                    _ => Presence::Closed,
                };
                world.open(room(number), presence);
            }
            10 if other < 2 => {
                let networks = if number % 2 == 0 {
                    home()
                } else {
                    Arc::new(Networks(vec![network("wlan0", "10.0.0.3", 24)]))
                };
                world.list.networks(networks, world.now());
            }
            11 => world.now += Duration::from_millis(random.below(30_000)),
            _ => world.now += Duration::from_millis(random.below(1_000)),
        }
        if random.below(2) == 0 {
            while let Some(address) = world.list.poll(world.now()) {
                assert!(!running.contains(&address), "asked twice at once");
                running.push(address);
            }
            assert!(running.len() <= 4);
        }
        while !running.is_empty() && random.below(3) > 0 {
            let at = usize::try_from(random.below(u64::try_from(running.len()).unwrap())).unwrap();
            let address = running.swap_remove(at);
            let number: u8 = address.host.rsplit('.').next().unwrap().parse().unwrap();
            let number = number - 10;
            let answer = match (number % 2, random.below(4)) {
                (_, 0) => Answer::Nobody,
                (1, _) => {
                    proven.insert((id(number), address.clone()));
                    relay(&[room(number)])
                }
                (_, 1) => Answer::Stranger,
                (_, _) => Answer::Relay {
                    proven: Vec::new(),
                    refused: (0..24).map(id).collect(),
                },
            };
            world.list.answered(&address, &answer, world.now());
        }
        for (room, addresses) in world.sighted() {
            for address in addresses {
                assert!(proven.contains(&(room, address)), "never proven there");
            }
        }
        if random.below(4) > 0 {
            continue;
        }
        let shown = world.shown();
        assert!(shown.len() <= NEARBY_ROOMS);
        let ids: HashSet<RoomId> = shown.iter().map(NearbyRoom::room).collect();
        assert_eq!(ids.len(), shown.len(), "one line a room");
        for found in &shown {
            assert!(found.addresses.len() <= NEARBY_ADDRESSES);
            let mine = found.hosted || found.ways.is_empty();
            if found.proof == RoomProof::Proven && !mine {
                assert_eq!(found.summary.name, {
                    let number = found.summary.room.0[0];
                    room(number).name
                });
            }
        }
        for told in world.list.to_introduce() {
            for address in &told.addresses {
                let address = at(address);
                assert!(
                    proven.contains(&(told.room, address.clone())) || address == at("192.168.1.2"),
                    "told of {told:?}"
                );
            }
        }
        if let Some(wake) = world.list.wake_at(world.now()) {
            assert!(wake < world.now + 14_400 * SECOND);
        }
    }
}

#[test]
fn nothing_is_believed_that_was_not_proven() {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    let random = u64::from_le_bytes(seed) >> 1;
    for seed in (1..7).chain(random..random + 4) {
        println!("seed {seed}");
        run(seed);
    }
}
