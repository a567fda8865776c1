//! What the list says: to the window, to who wants to join, and to others.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use chatspot_protocol::address::Address;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::limits::{INTRODUCED_ROOMS, NEARBY_ROOMS};
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::{Known, Life, NearbyRoom};
use chatspot_protocol::wire::Introduced;

use super::super::known::{Before, known};
use super::super::near::ip;
use super::super::place::Place;
use super::super::room::Room;
use super::{List, Now};

impl List {
    /// The list as it is shown: at most [`NEARBY_ROOMS`], those that are there first.
    pub(crate) fn shown(&self, now: Now) -> Vec<NearbyRoom> {
        let listed = self.rooms.values().filter(|room| room.is_listed(now));
        let (mut known, mut others): (Vec<&Room>, Vec<&Room>) =
            listed.partition(|room| room.is_known());
        known.sort_by_key(|room| {
            (
                !room.is_hosted(),
                !room.is_proven(),
                room.is_away(),
                room.id,
            )
        });
        // What is proven is not pushed out by what is only said.
        others.sort_by_key(|room| (!room.is_proven(), room.is_away(), room.id));
        // Neither strangers nor rooms from last year push out all of the others.
        known.truncate(NEARBY_ROOMS - others.len().min(NEARBY_ROOMS / 2));
        others.truncate(NEARBY_ROOMS - known.len());
        let listed = known.into_iter().chain(others);
        let shown = listed.map(|room| room.view(self.known(room), &self.networks));
        let mut shown: Vec<NearbyRoom> = shown.collect();
        shown.sort_by_cached_key(|room| {
            (
                room.life != Life::Here,
                !room.hosted,
                room.known != Known::Joined,
                room.summary.name.as_str().to_lowercase(),
                room.summary.room,
            )
        });
        shown
    }

    fn known(&self, room: &Room) -> Known {
        if room.is_known() {
            return Known::Joined;
        }
        let addresses = room.proven_addresses();
        let there = |other: &&Room| {
            let others = other.proven_addresses();
            others.iter().any(|address| addresses.contains(address))
        };
        let beside = self.rooms.values().filter(there).map(|room| room.id);
        let beside: Vec<RoomId> = beside.collect();
        let before = self.acquainted.iter().map(|before| Before {
            room: before.room,
            name: &before.name,
            addresses: &before.worked,
        });
        known(room.id, &room.name(), &addresses, &beside, before)
    }

    /// How a room of the list is joined: by which name it is known, and where it may be, best first.
    pub(crate) fn way_to(&self, room: RoomId) -> Option<(RoomName, Vec<Address>)> {
        let room = self.rooms.get(&room)?;
        Some((room.name(), room.likely_addresses(&self.networks)))
    }

    /// What a room of the list is known as here.
    pub(crate) fn known_of(&self, room: RoomId) -> Option<Known> {
        self.rooms.get(&room).map(|room| self.known(room))
    }

    /// Rooms that others may be told of, in a steady order, at most one more than anybody is told.
    pub(crate) fn to_introduce(&self) -> Vec<Introduced> {
        let public = self.rooms.values().filter(|room| room.is_public());
        let mut public: Vec<&Room> = public.collect();
        public.sort_by_key(|room| (room.open.is_none(), room.id));
        public
            .into_iter()
            .filter_map(|room| room.introduction(&self.networks))
            .take(INTRODUCED_ROOMS + 1)
            .collect()
    }

    /// Where rooms of others are proven to be, or were until they fell silent, on other computers.
    pub(crate) fn peers(&self) -> Vec<SocketAddr> {
        let rooms = self.rooms.values().filter(|room| !room.is_hosted());
        let addresses = rooms.flat_map(Room::met_addresses);
        let peers = addresses.filter_map(|address| {
            let ip = ip(&address).filter(|ip| !ip.is_loopback())?;
            Some(SocketAddr::new(ip, address.port))
        });
        let peers: BTreeSet<SocketAddr> = peers.collect();
        peers.into_iter().collect()
    }

    /// Rooms of others that are heard at this moment.
    pub(crate) fn heard_now(&self) -> usize {
        let rooms = self.rooms.values().filter(|room| !room.is_hosted());
        rooms
            .filter(|room| room.places.iter().any(Place::is_heard))
            .count()
    }
}
