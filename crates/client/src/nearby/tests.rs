//! The list of rooms nearby, with time and the network in the test's hands.

mod cases;
mod random;

use std::sync::Arc;
use std::time::Duration;

use chatspot_nearby::Sighting;
use chatspot_nearby::networks::{Network, Networks};
use chatspot_protocol::address::Address;
use chatspot_protocol::event::Admission;
use chatspot_protocol::ids::{MemberId, RoomId};
use chatspot_protocol::text::{DisplayName, RoomName};
use chatspot_protocol::view::{AddressKind, Life, NearbyRoom, Vanished, Way};
use chatspot_protocol::wire::{Introduced, RoomSummary};

use super::list::{Acquainted, Answer, List, Looking, Now};
use super::room::{Open, Presence, Secrecy};
use super::told::Teller;

/// Somebody in a room.
const ADA: Teller = Teller {
    via: RoomId([200; 16]),
    member: MemberId([1; 32]),
};
const SECOND: Duration = Duration::from_secs(1);

fn id(number: u8) -> RoomId {
    RoomId([number; 16])
}

fn room(number: u8) -> RoomSummary {
    RoomSummary {
        room: id(number),
        name: RoomName::parse(&format!("Room {number}")).unwrap(),
        host: None,
        online: 1,
        full: false,
        admission: Admission::Open,
        locked: false,
        hidden: false,
    }
}

fn named(number: u8, name: &str) -> RoomSummary {
    RoomSummary {
        name: RoomName::parse(name).unwrap(),
        ..room(number)
    }
}

fn at(text: &str) -> Address {
    text.parse().unwrap()
}

fn network(interface: &str, ip: &str, prefix: u8) -> Network {
    Network {
        interface: interface.to_owned(),
        index: 2,
        kind: AddressKind::Lan,
        ip: ip.parse().unwrap(),
        prefix,
        broadcast: None,
    }
}

fn home() -> Arc<Networks> {
    Arc::new(Networks(vec![
        network("eth0", "192.168.1.2", 24),
        network("eth0", "fe80::2", 64),
    ]))
}

fn relay(rooms: &[RoomSummary]) -> Answer {
    Answer::Relay {
        proven: rooms.to_vec(),
        refused: Vec::new(),
    }
}

/// A list, its time, and what answers at which address.
struct World {
    list: List,
    now: Duration,
    net: Vec<(Address, Answer)>,
    /// What was asked, and when.
    asked: Vec<(Duration, Address)>,
}

impl World {
    fn new() -> Self {
        Self {
            list: List::new(home(), 7),
            now: Duration::ZERO,
            net: Vec::new(),
            asked: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        Now {
            mono: self.now,
            wall: 1_000_000 + i64::try_from(self.now.as_millis()).unwrap(),
        }
    }

    /// That is at the address from now on.
    fn is_at(&mut self, address: &str, answer: Answer) {
        let address = at(address);
        self.net.retain(|(known, _)| *known != address);
        self.net.push((address, answer));
    }

    fn hear(&mut self, room: RoomSummary, addresses: &[&str], by: Way) {
        let addresses = addresses.iter().map(|text| at(text)).collect();
        let sighting = Sighting::Here {
            room,
            addresses,
            by,
        };
        self.list.heard(sighting, self.now());
    }

    fn beacon(&mut self, room: RoomSummary, address: &str) {
        self.hear(room, &[address], Way::Multicast);
    }

    fn gone(&mut self, number: u8, address: &str, by: Way) {
        let sighting = Sighting::Gone {
            room: id(number),
            addresses: vec![at(address)],
            by,
        };
        self.list.heard(sighting, self.now());
    }

    fn introduce(&mut self, number: u8, addresses: &[&str]) {
        let told = Introduced {
            room: id(number),
            name: room(number).name,
            addresses: addresses.iter().map(ToString::to_string).collect(),
        };
        self.tell(ADA, "Ada", &[told]);
    }

    fn tell(&mut self, teller: Teller, name: &str, rooms: &[Introduced]) {
        let by = DisplayName::parse(name).unwrap();
        self.list.introduced(teller, &by, rooms, self.now());
    }

    fn remember(&mut self, rooms: &[(u8, &[&str])]) {
        let rooms = rooms.iter().map(|(number, addresses)| Acquainted {
            room: id(*number),
            name: room(*number).name,
            addresses: addresses.iter().map(|text| at(text)).collect(),
            worked: addresses.iter().map(|text| at(text)).collect(),
        });
        self.list.remembered(rooms.collect(), self.now());
    }

    fn look(&mut self, looking: Looking) {
        self.list.look(looking, self.now());
    }

    fn open(&mut self, summary: RoomSummary, presence: Presence) {
        let open = Open {
            addresses: vec![at("192.168.1.2")],
            presence,
            secrecy: if summary.hidden {
                Secrecy::Hidden
            } else {
                Secrecy::Public
            },
            summary,
        };
        self.list.open(vec![open], self.now());
    }

    /// Asks what is to be asked, and is answered at once.
    fn ask(&mut self) {
        while let Some(address) = self.list.poll(self.now()) {
            self.asked.push((self.now, address.clone()));
            let there = self.net.iter().find(|(known, _)| *known == address);
            let answer = there.map_or(Answer::Nobody, |(_, answer)| answer.clone());
            self.list.answered(&address, &answer, self.now());
        }
    }

    /// Lets time go by, in the steps that the list wants.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.ask();
            let next = self.list.wake_at(self.now());
            let next = next.unwrap_or(end).max(self.now + Duration::from_millis(5));
            if next >= end {
                break;
            }
            self.now = next;
        }
        self.now = end;
        self.ask();
    }

    fn shown(&self) -> Vec<NearbyRoom> {
        self.list.shown(self.now())
    }

    #[track_caller]
    fn one(&self) -> NearbyRoom {
        let mut shown = self.shown();
        assert_eq!(shown.len(), 1, "{shown:#?}");
        shown.remove(0)
    }

    #[track_caller]
    fn away(&self) -> Vanished {
        match self.one().life {
            Life::Away { why, .. } => why,
            Life::Here => panic!("it is here"),
        }
    }

    fn sighted(&mut self) -> Vec<(RoomId, Vec<Address>)> {
        std::iter::from_fn(|| self.list.sighted()).collect()
    }
}
