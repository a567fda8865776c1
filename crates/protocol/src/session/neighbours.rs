//! What members do for each other in finding rooms: telling of others, and dialling back.

use std::collections::BTreeMap;
use std::time::Duration;

use super::link::State;
use super::{NotConnected, Output, Session};
use crate::address::Address;
use crate::ids::{MemberId, RoomId};
use crate::limits::{INTRODUCE_EVERY, INTRODUCED_ROOMS, NEARBY_ADDRESSES};
use crate::text::DisplayName;
use crate::time::Now;
use crate::wire::{Back, ClientFrame, Introduced};

/// What this member tells of.
#[derive(Debug, Default)]
pub(super) struct Telling {
    rooms: Vec<Introduced>,
    /// What the room was told over this connection.
    told: Vec<Introduced>,
    /// When it was told, over whatever connection.
    at: Option<Duration>,
    /// Who told of rooms over this connection and has not taken them back, by which name.
    heard: BTreeMap<MemberId, DisplayName>,
}

impl Telling {
    /// When the rooms may be told. None: they are known there.
    pub(super) fn due(&self) -> Option<Duration> {
        let soonest = self
            .at
            .map_or(Duration::ZERO, |at| at.saturating_add(INTRODUCE_EVERY));
        (self.rooms != self.told).then_some(soonest)
    }
}

impl Session {
    /// From now on the others in the room are told of these rooms: at once or as soon as there is a connection, but not
    /// more often than every [`INTRODUCE_EVERY`]. At most [`INTRODUCED_ROOMS`] of them, with [`NEARBY_ADDRESSES`] each,
    /// of those that may be told of.
    pub fn introduce(&mut self, rooms: Vec<Introduced>, now: Now) {
        let mut rooms = self.may_be_told(rooms);
        rooms.truncate(INTRODUCED_ROOMS);
        self.telling.rooms = rooms;
        self.tell_of_rooms(now);
    }

    /// Tells what is not told yet, if it is time.
    pub(super) fn tell_of_rooms(&mut self, now: Now) {
        let due = self.telling.due().is_some_and(|at| at <= now.mono);
        if self.state != State::Online || !due {
            return;
        }
        let rooms = self.telling.rooms.clone();
        self.telling.told.clone_from(&rooms);
        self.telling.at = Some(now.mono);
        self.transmit(ClientFrame::Introduce { rooms });
    }

    /// Somebody tells of rooms. What is no address of a local network is left out, and rooms without any.
    pub(super) fn introduced(&mut self, member: MemberId, mut rooms: Vec<Introduced>) {
        let known = self.people.get(&member).filter(|known| !known.muted);
        let known = known.map(|known| known.name.clone());
        let Some(by) = known.filter(|_| member != self.identity.member()) else {
            return;
        };
        rooms.truncate(INTRODUCED_ROOMS);
        let rooms = self.may_be_told(rooms);
        if !rooms.is_empty() {
            self.telling.heard.insert(member, by.clone());
        } else if self.telling.heard.remove(&member).is_none() {
            // Nothing is taken back.
            return;
        }
        self.outputs
            .push_back(Output::Introduced { member, by, rooms });
    }

    /// Nobody vouches any more for what this member told of: it is gone, or may not speak.
    pub(super) fn taken_back(&mut self, member: MemberId) {
        if let Some(by) = self.telling.heard.remove(&member) {
            let rooms = Vec::new();
            self.outputs
                .push_back(Output::Introduced { member, by, rooms });
        }
    }

    /// The connection is gone: whoever is there meanwhile is not heard of.
    pub(super) fn all_taken_back(&mut self) {
        self.telling.told.clear();
        while let Some((&member, _)) = self.telling.heard.first_key_value() {
            self.taken_back(member);
        }
    }

    /// Other rooms, with what members may tell each other of where they are.
    fn may_be_told(&self, mut rooms: Vec<Introduced>) -> Vec<Introduced> {
        for room in &mut rooms {
            let read = room.addresses.iter().filter_map(|text| text.parse().ok());
            let near = read.filter(Address::may_be_introduced);
            let near = near.take(NEARBY_ADDRESSES);
            room.addresses = near.map(|address| address.to_string()).collect();
        }
        rooms.retain(|told| told.room != self.room && !told.addresses.is_empty());
        rooms
    }

    /// Somebody was asked to dial back, and this came of it. What the relay takes for an address comes out as one.
    pub(super) fn was_dialled_back(
        &mut self,
        member: MemberId,
        room: RoomId,
        address: Option<&str>,
        outcome: Back,
    ) {
        let address = address.and_then(|text| text.parse::<Address>().ok());
        self.outputs.push_back(Output::DialledBack {
            member,
            room,
            address: address.map(|address| address.to_string()),
            outcome,
        });
    }

    /// Asks a member to try to reach a room that is hosted here. The answer is [`Output::DialledBack`], if one comes.
    pub fn dial_back(
        &mut self,
        member: MemberId,
        room: RoomId,
        port: u16,
    ) -> Result<(), NotConnected> {
        if self.state != State::Online {
            return Err(NotConnected);
        }
        self.transmit(ClientFrame::DialBack { member, room, port });
        Ok(())
    }

    /// Answers [`Output::DialBack`].
    pub fn dialled_back(&mut self, member: MemberId, room: RoomId, outcome: Back) {
        if self.state == State::Online {
            self.transmit(ClientFrame::DialledBack {
                member,
                room,
                outcome,
            });
        }
    }
}
