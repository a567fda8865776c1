//! What members of the open rooms tell of others: the latest of each, also while nobody wants to hear of it.

use std::collections::BTreeMap;

use chatspot_protocol::ids::{MemberId, RoomId};
use chatspot_protocol::limits::{INTRODUCED_ROOMS, ROOM_INTRODUCED};
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::wire::Introduced;

/// Somebody who tells of rooms, in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Teller {
    pub(crate) via: RoomId,
    pub(crate) member: MemberId,
}

/// By which name somebody told of which rooms.
#[derive(Debug)]
pub(super) struct Tale {
    pub(super) by: DisplayName,
    pub(super) rooms: Vec<Introduced>,
}

/// See the head of this file.
#[derive(Debug, Default)]
pub(super) struct Told {
    tales: BTreeMap<Teller, Tale>,
}

impl Told {
    /// What somebody tells replaces what the same one told before. What is more than a relay remembers of one room is not
    /// kept: it says so many itself.
    pub(super) fn tells(&mut self, teller: Teller, by: &DisplayName, rooms: &[Introduced]) {
        self.tales.remove(&teller);
        let rooms = &rooms[..rooms.len().min(INTRODUCED_ROOMS)];
        let others = self
            .tales
            .iter()
            .filter(|(other, _)| other.via == teller.via);
        let others: usize = others.map(|(_, tale)| tale.rooms.len()).sum();
        if !rooms.is_empty() && others + rooms.len() <= ROOM_INTRODUCED {
            let (by, rooms) = (by.clone(), rooms.to_vec());
            self.tales.insert(teller, Tale { by, rooms });
        }
    }

    /// Only what was told in these rooms counts.
    pub(super) fn still_in(&mut self, rooms: &[RoomId]) {
        self.tales.retain(|teller, _| rooms.contains(&teller.via));
    }

    /// What this one tells.
    pub(super) fn by(&self, teller: Teller) -> Option<&Tale> {
        self.tales.get(&teller)
    }

    /// Those who tell of something.
    pub(super) fn tellers(&self) -> Vec<Teller> {
        self.tales.keys().copied().collect()
    }
}
