//! Who goes where too many rooms are told of: those of whom the most others are there, not those who came last.

use chatspot_protocol::address::Address;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::limits::{NEARBY_ROOMS, NEARBY_ROOMS_OF_ADDRESS};

use super::super::crowd::{Crowd, Crowds, network};
use super::super::place::{Place, Verdict};
use super::super::room::Room;
use super::List;

/// Proven rooms that are kept and not known: the rest of [`NEARBY_ROOMS`] is for those of which nobody knows yet whether
/// they are. At two questions a second all of these are asked in a quarter of a minute.
const PROVEN_ROOMS: usize = NEARBY_ROOMS - 32;

impl List {
    /// Those of a room's addresses of whose host not too many rooms are claimed already.
    pub(super) fn not_crowded(&self, room: RoomId, addresses: &[Address]) -> Vec<Address> {
        let known = self.rooms.get(&room).is_some_and(Room::is_known);
        let fits = |address: &&Address| {
            let same = |other: &Room| {
                let mut places = other.places.iter();
                other.id != room && places.any(|place| place.address.host == address.host)
            };
            let is_new = !self.rooms.get(&room).is_some_and(|room| {
                let mut places = room.places.iter();
                places.any(|place| place.address == **address)
            });
            let crowd = || self.rooms.values().filter(|other| same(other)).count();
            known || !is_new || crowd() < NEARBY_ROOMS_OF_ADDRESS
        };
        addresses.iter().filter(fits).cloned().collect()
    }

    /// Makes room for one more that is not known and may be at these addresses. False where all that are there are better.
    pub(super) fn make_room(&mut self, addresses: &[Address]) -> bool {
        if self.strangers(Proof::Given).count() >= PROVEN_ROOMS {
            let crowds = self.crowds(Proof::Given);
            let most = self.most_crowded(&crowds);
            // Once it is proven one of those would go who have the most: where that would change nothing, nothing is asked.
            let gains = |address: &Address| {
                let crowd = crowds.at(address);
                most.as_ref().is_some_and(|most| {
                    crowd.network + 1 < most.crowd.network
                        || (network(address) == network(most.address)
                            && crowd.address + 1 < most.crowd.address)
                })
            };
            if !addresses.iter().any(gains) {
                return false;
            }
        }
        if self.strangers(Proof::Any).count() < NEARBY_ROOMS {
            return true;
        }
        let crowds = self.crowds(Proof::Any);
        let crowd = |room: &Room| {
            let places = room.places.iter();
            places.map(|place| crowds.at(&place.address).address).max()
        };
        let out = self
            .strangers(Proof::Any)
            .filter(|room| !room.is_proven())
            .max_by_key(|room| (room.is_away(), crowd(room), room.id))
            .map(|room| room.id);
        out.is_some_and(|out| self.rooms.remove(&out).is_some())
    }

    /// So many rooms are proven that those of others would not be asked any more: who has the most has fewer.
    pub(super) fn thin_out(&mut self) {
        while self.strangers(Proof::Given).count() > PROVEN_ROOMS {
            let crowds = self.crowds(Proof::Given);
            let Some(out) = self.most_crowded(&crowds).map(|most| most.room) else {
                return;
            };
            self.rooms.remove(&out);
        }
    }

    /// Rooms that are not known here.
    fn strangers(&self, proof: Proof) -> impl Iterator<Item = &Room> {
        let strangers = self.rooms.values().filter(|room| !room.is_known());
        strangers.filter(move |room| match proof {
            Proof::Given => room.is_proven(),
            Proof::Any => true,
        })
    }

    fn crowds(&self, proof: Proof) -> Crowds {
        let counts = move |place: &&Place| match proof {
            Proof::Given => place.verdict == Verdict::Proven,
            Proof::Any => true,
        };
        let rooms = self.strangers(proof);
        Crowds::of(rooms.map(|room| {
            let places = room.places.iter().filter(counts);
            places.map(|place| &place.address)
        }))
    }

    /// The proven room that has the most others beside it, wherever it is.
    fn most_crowded(&self, crowds: &Crowds) -> Option<Crowded<'_>> {
        let rooms = self.strangers(Proof::Given).filter_map(|room| {
            let places = room.places.iter();
            let proven = places.filter(|place| place.verdict == Verdict::Proven);
            let proven = proven.map(|place| Crowded {
                crowd: crowds.at(&place.address),
                address: &place.address,
                room: room.id,
            });
            // Anybody has a crowded address beside a quiet one.
            proven.min_by_key(|at| at.crowd)
        });
        rooms.max_by_key(|crowded| (crowded.crowd, crowded.room))
    }
}

/// Rooms that are counted.
#[derive(Debug, Clone, Copy)]
enum Proof {
    /// Those that are proven, where they are.
    Given,
    /// All of them, wherever they may be.
    Any,
}

/// A room among many.
struct Crowded<'a> {
    crowd: Crowd,
    address: &'a Address,
    room: RoomId,
}
