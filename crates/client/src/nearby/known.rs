//! What this computer knows of a room that it found.

use chatspot_protocol::address::Address;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::text::RoomName;
use chatspot_protocol::view::Known;

/// A room that was joined before.
pub(crate) struct Before<'a> {
    pub(crate) room: RoomId,
    pub(crate) name: &'a RoomName,
    /// Where it proved itself: anybody can say that it may be at another room's address.
    pub(crate) addresses: &'a [Address],
}

/// What is known of a room that was found at these addresses. `beside`: the rooms that are there, too.
pub(crate) fn known<'a>(
    room: RoomId,
    name: &RoomName,
    addresses: &[Address],
    beside: &[RoomId],
    mut before: impl Iterator<Item = Before<'a>> + Clone,
) -> Known {
    if before.clone().any(|before| before.room == room) {
        return Known::Joined;
    }
    let replaced = before.find(|before| {
        before.name == name
            && before.addresses.iter().any(|at| addresses.contains(at))
            // Two rooms of one name side by side are two rooms.
            && !beside.contains(&before.room)
    });
    match replaced {
        Some(before) => Known::KeyChanged {
            room: before.room,
            fingerprint: before.room.fingerprint(),
        },
        None => Known::New,
    }
}
