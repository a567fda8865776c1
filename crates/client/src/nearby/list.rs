//! The rooms nearby as a machine without clock and sockets: what was heard, remembered and answered goes in; what to ask,
//! what was proven and what to show come out.
//!
//! Whatever is heard is a hint. A room is what has proven its key, where it has proven it; who claims to be it elsewhere
//! changes nothing of it.

mod crowding;
mod shown;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chatspot_nearby::networks::Networks;
use chatspot_nearby::{Sighting, rank};
use chatspot_protocol::address::Address;
use chatspot_protocol::ids::{RoomId, WallMillis};
use chatspot_protocol::text::{DisplayName, RoomName};
use chatspot_protocol::view::{Discovery, Way};
use chatspot_protocol::wire::{Introduced, RoomSummary};

use super::near::{Source, ip, near};
use super::pace::Pace;
use super::place::{Claim, Finding, is_beacon};
use super::room::{Open, Room};
use super::told::{Teller, Told};

/// A moment, by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Now {
    /// Since the list began.
    pub(crate) mono: Duration,
    /// For people.
    pub(crate) wall: WallMillis,
}

/// A room that was joined before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acquainted {
    pub(crate) room: RoomId,
    pub(crate) name: RoomName,
    /// Where it may be, best first.
    pub(crate) addresses: Vec<Address>,
    /// Where it proved itself.
    pub(crate) worked: Vec<Address>,
}

/// What answers at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A relay, with these rooms.
    Relay {
        /// Those whose key it proved.
        proven: Vec<RoomSummary>,
        /// Those that it only says it has.
        refused: Vec<RoomId>,
    },
    /// Something else.
    Stranger,
    /// Nobody.
    Nobody,
}

/// Whether somebody looks at the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Looking {
    /// Somebody does.
    At,
    /// Nobody does.
    Away,
}

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct List {
    pub(super) rooms: HashMap<RoomId, Room>,
    acquainted: Vec<Acquainted>,
    networks: Arc<Networks>,
    told: Told,
    discovery: Discovery,
    pub(super) looking: Looking,
    pub(super) pace: Pace,
    /// Rooms that were proven, for those who want to connect to them. At most one entry a room.
    proven: Vec<RoomId>,
}

impl List {
    /// Nothing yet. `seed`: for the jitter.
    pub(crate) fn new(networks: Arc<Networks>, seed: u64) -> Self {
        Self {
            rooms: HashMap::new(),
            acquainted: Vec::new(),
            networks,
            told: Told::default(),
            discovery: Discovery::On,
            looking: Looking::Away,
            pace: Pace::new(seed),
            proven: Vec::new(),
        }
    }

    /// Something was heard in the network.
    pub(crate) fn heard(&mut self, sighting: Sighting, now: Now) {
        match sighting {
            Sighting::Here {
                room,
                addresses,
                by,
            } => {
                let source = if is_beacon(&by) {
                    Source::Sender
                } else {
                    Source::Named
                };
                let addresses = near(&addresses, &self.networks, source);
                let claim = Claim {
                    way: by,
                    teller: None,
                    at: now.mono,
                };
                self.claim(room.room, Some(&room), &addresses, &claim, now);
            }
            Sighting::Gone {
                room,
                addresses,
                by,
            } => {
                // With the names of zones that an address may have lost since.
                let ranked = rank(&addresses, &self.networks);
                let ended =
                    |claim: &Claim| claim.way == by || (is_beacon(&claim.way) && is_beacon(&by));
                if let Some(room) = self.rooms.get_mut(&room) {
                    for place in &mut room.places {
                        let here = addresses.is_empty()
                            || ranked.contains(&place.address)
                            || addresses.contains(&place.address);
                        if here {
                            place.goodbye(ended, now.mono);
                        }
                    }
                    room.refresh(now);
                }
            }
            // Whoever owns the list hears it with the networks themselves.
            Sighting::Networks => {}
        }
    }

    /// This computer is in these networks now.
    pub(crate) fn networks(&mut self, networks: Arc<Networks>, now: Now) {
        let before = std::mem::replace(&mut self.networks, networks);
        if before == self.networks {
            return;
        }
        for room in self.rooms.values_mut() {
            for place in &mut room.places {
                let within = |networks: &Networks| {
                    ip(&place.address).is_some_and(|ip| networks.same_subnet(ip).is_some())
                };
                if within(&before) && !within(&self.networks) {
                    place.left_behind();
                } else {
                    place.moved(now.mono);
                }
            }
            room.refresh(now);
        }
        // What was elsewhere may be near now.
        let acquainted = std::mem::take(&mut self.acquainted);
        self.remembered(acquainted, now);
    }

    /// These rooms were joined before; all of them.
    pub(crate) fn remembered(&mut self, rooms: Vec<Acquainted>, now: Now) {
        for room in self.rooms.values_mut() {
            if !rooms.iter().any(|before| before.room == room.id) {
                room.remembered = None;
                room.elsewhere.clear();
                for place in &mut room.places {
                    place.unclaim(|claim| claim.way == Way::Remembered);
                }
            }
        }
        self.acquainted.clear();
        // Those that are near are asked without anybody's wish, the others when somebody joins.
        for before in rooms {
            let claim = Claim {
                way: Way::Remembered,
                teller: None,
                at: now.mono,
            };
            let addresses = near(&before.addresses, &self.networks, Source::Remembered);
            let mut elsewhere = rank(&before.addresses, &self.networks);
            elsewhere.retain(|address| !addresses.contains(address));
            let room = self.room(before.room);
            room.remembered = Some(before.name.clone());
            room.elsewhere = elsewhere;
            for place in &mut room.places {
                if !addresses.contains(&place.address) {
                    place.unclaim(|claim| claim.way == Way::Remembered);
                }
            }
            room.claimed(None, &addresses, &claim, now);
            self.acquainted.push(before);
        }
        self.refresh(now);
    }

    /// These rooms are open here; all of them.
    pub(crate) fn open(&mut self, open: Vec<Open>, now: Now) {
        for room in self.rooms.values_mut() {
            if !open.iter().any(|open| open.summary.room == room.id) {
                room.opened(None, now);
            }
        }
        for open in open {
            let room = self.room(open.summary.room);
            let lost = room.is_lost();
            room.opened(Some(open), now);
            // Where it was found already, it can be had at once.
            if room.is_lost() && !lost && room.is_proven() {
                let room = room.id;
                self.tell_proven(room);
            }
        }
        self.refresh(now);
    }

    /// Somebody in a room tells of these, and of no others.
    pub(crate) fn introduced(
        &mut self,
        teller: Teller,
        by: &DisplayName,
        rooms: &[Introduced],
        now: Now,
    ) {
        self.told.tells(teller, by, rooms);
        match self.discovery {
            Discovery::On => self.hear_tale(teller, now),
            // It counts when somebody wants to hear again.
            Discovery::Off => {}
        }
    }

    fn hear_tale(&mut self, teller: Teller, now: Now) {
        let told = std::mem::take(&mut self.told);
        let tale = told.by(teller);
        let rooms = tale.map_or(&[][..], |tale| &tale.rooms);
        for room in self.rooms.values_mut() {
            if !rooms.iter().any(|told| told.room == room.id) {
                let places = room.places.iter_mut();
                places.for_each(|place| place.unclaim(|old| old.teller == Some(teller)));
            }
        }
        for (tale, told) in tale
            .iter()
            .flat_map(|tale| tale.rooms.iter().map(move |told| (tale, told)))
        {
            let claim = Claim {
                way: Way::Introduced {
                    by: tale.by.clone(),
                },
                teller: Some(teller),
                at: now.mono,
            };
            let addresses: Vec<Address> = told
                .addresses
                .iter()
                .filter_map(|text| text.parse().ok())
                .collect();
            let addresses = near(&addresses, &self.networks, Source::Named);
            // Where it is told to be no more nobody has told it to be.
            if let Some(room) = self.rooms.get_mut(&told.room) {
                let places = room
                    .places
                    .iter_mut()
                    .filter(|place| !addresses.contains(&place.address));
                places.for_each(|place| place.unclaim(|old| old.teller == Some(teller)));
            }
            self.claim(told.room, None, &addresses, &claim, now);
        }
        self.told = told;
        self.refresh(now);
    }

    /// What was told in rooms that are not among these is told no more.
    pub(crate) fn still_in(&mut self, rooms: &[RoomId], now: Now) {
        self.told.still_in(rooms);
        let left = |claim: &Claim| {
            claim
                .teller
                .is_some_and(|teller| !rooms.contains(&teller.via))
        };
        for room in self.rooms.values_mut() {
            room.places.iter_mut().for_each(|place| place.unclaim(left));
        }
        self.refresh(now);
    }

    /// A scan got this answer.
    pub(crate) fn scanned(&mut self, address: &Address, answer: &Answer, now: Now) {
        if let Answer::Relay { proven, .. } = answer {
            let claim = Claim {
                way: Way::Scanned,
                teller: None,
                at: now.mono,
            };
            for summary in proven.iter().filter(|summary| !summary.hidden) {
                let at = std::slice::from_ref(address);
                self.claim(summary.room, None, at, &claim, now);
            }
        }
        self.learn(address, answer, now);
    }

    /// A question of [`Self::poll`] got this answer.
    pub(crate) fn answered(&mut self, address: &Address, answer: &Answer, now: Now) {
        self.pace.answered(address);
        self.learn(address, answer, now);
    }

    fn learn(&mut self, address: &Address, answer: &Answer, now: Now) {
        let mut proven = Vec::new();
        for room in self.rooms.values_mut() {
            let (finding, summary) = finding(room.id, answer);
            let jitter = self.pace.jitter();
            if room.answered(address, finding, summary, now, jitter) {
                proven.push(room.id);
            }
            room.refresh(now);
        }
        self.thin_out();
        for room in proven {
            self.tell_proven(room);
        }
    }

    fn tell_proven(&mut self, room: RoomId) {
        if !self.proven.contains(&room) {
            self.proven.push(room);
        }
    }

    /// A room that was proven since the last call, and where.
    pub(crate) fn sighted(&mut self) -> Option<(RoomId, Vec<Address>)> {
        loop {
            let room = self.proven.pop()?;
            let Some(found) = self.rooms.get(&room) else {
                continue;
            };
            let addresses = rank(&found.proven_addresses(), &self.networks);
            if found.is_known() && !addresses.is_empty() {
                return Some((room, addresses));
            }
        }
    }

    /// Somebody came to look at the list, or went.
    pub(crate) fn look(&mut self, looking: Looking, now: Now) {
        if looking == Looking::At && self.looking == Looking::Away {
            let places = self.rooms.values_mut().flat_map(|room| &mut room.places);
            places.for_each(|place| place.looked_at(now.mono));
        }
        self.looking = looking;
    }

    /// Nothing is asked by mDNS any more: what it told says nothing of how it is now, nor that anybody closed his room.
    pub(crate) fn browsing_ended(&mut self, now: Now) {
        for room in self.rooms.values_mut() {
            let places = room.places.iter_mut();
            places.for_each(|place| place.unclaim(|claim| claim.way == Way::Mdns));
        }
        self.refresh(now);
    }

    /// Whether anybody wants to hear of rooms. What members told meanwhile counts when somebody does again: they tell it
    /// once.
    pub(crate) fn discovery(&mut self, discovery: Discovery, now: Now) {
        self.discovery = discovery;
        match discovery {
            Discovery::On => {
                for teller in self.told.tellers() {
                    self.hear_tale(teller, now);
                }
            }
            Discovery::Off => self.forget_heard(now),
        }
    }

    /// Nothing that was heard or told counts any more: nobody wants to hear.
    fn forget_heard(&mut self, now: Now) {
        for room in self.rooms.values_mut() {
            for place in &mut room.places {
                place.unclaim(|claim| claim.way != Way::Remembered);
            }
            if !room.is_known() {
                room.places.clear();
            }
        }
        self.rooms.retain(|_, room| room.is_known());
        self.pace.stop();
        self.refresh(now);
    }

    fn claim(
        &mut self,
        room: RoomId,
        summary: Option<&RoomSummary>,
        addresses: &[Address],
        claim: &Claim,
        now: Now,
    ) {
        let addresses = self.not_crowded(room, addresses);
        if addresses.is_empty() || !(self.rooms.contains_key(&room) || self.make_room(&addresses)) {
            return;
        }
        let room = self.room(room);
        room.claimed(summary, &addresses, claim, now);
        room.refresh(now);
        // Whoever waits for it need not wait longer: it says that it is there.
        if room.is_lost() && room.is_proven() && is_beacon(&claim.way) {
            let room = room.id;
            self.tell_proven(room);
        }
    }

    fn room(&mut self, id: RoomId) -> &mut Room {
        self.rooms.entry(id).or_insert_with(|| Room::new(id))
    }

    pub(super) fn refresh(&mut self, now: Now) {
        for room in self.rooms.values_mut() {
            room.refresh(now);
        }
        self.rooms.retain(|_, room| !room.is_over(now));
    }
}

fn finding(room: RoomId, answer: &Answer) -> (Finding, Option<RoomSummary>) {
    match answer {
        Answer::Relay { proven, refused } => {
            if let Some(summary) = proven.iter().find(|summary| summary.room == room) {
                (Finding::Proven, Some(summary.clone()))
            } else if refused.contains(&room) {
                (Finding::NotItself, None)
            } else {
                (Finding::Elsewhere, None)
            }
        }
        Answer::Stranger => (Finding::NotItself, None),
        Answer::Nobody => (Finding::Nobody, None),
    }
}
