//! What is asked of a room's task.

use chatspot_protocol::address::Address;
use chatspot_protocol::compare::CompareWish;
use chatspot_protocol::door::DoorOrder;
use chatspot_protocol::event::Submission;
use chatspot_protocol::ids::{ClientId, MemberId, RoomId, RoomPublicKey, Token};
use chatspot_protocol::passcode::Passcode;
use chatspot_protocol::text::DisplayName;
use chatspot_protocol::view::{Failure, Place, Verified};
use chatspot_protocol::wire::Introduced;
use tokio::sync::oneshot;

use crate::neighbour::DialledBack;
use crate::watch::Woken;

/// What the window asks of a room.
#[derive(Debug)]
pub(crate) enum Command {
    Submit {
        submission: Submission,
        taken: oneshot::Sender<Result<(), Failure>>,
    },
    Retry {
        id: ClientId,
    },
    Discard {
        id: ClientId,
        taken: oneshot::Sender<Result<bool, Failure>>,
    },
    /// What the person at the window read, or wants to count as unread.
    Read {
        mark: Mark,
    },
    /// History of the room was deleted, because it grew too old.
    Pruned,
    Typing {
        active: bool,
    },
    Rename {
        name: DisplayName,
    },
    /// Dial now.
    Redial,
    /// Somebody named these addresses of the room: dial them now, unless there is a connection.
    FoundAt {
        addresses: Vec<Address>,
    },
    /// The room is hosted here, at these addresses and no others.
    HostedAt {
        addresses: Vec<Address>,
    },
    /// The room was found at these addresses.
    Sighted {
        addresses: Vec<Address>,
    },
    /// The others in the room are to be told of these.
    Introduce {
        rooms: Vec<Introduced>,
    },
    /// This member is to try to reach a room that is hosted here.
    DialBack {
        member: MemberId,
        about: RoomId,
        port: u16,
        answer: oneshot::Sender<DialledBack>,
    },
    /// Somebody typed the room's passcode.
    Passcode {
        passcode: Passcode,
    },
    /// Somebody opened a link to the room, with an invite or without.
    Invited {
        token: Option<Token>,
        verified: Verified,
    },
    /// Something is wanted at the door.
    Door {
        order: DoorOrder,
        sent: oneshot::Sender<Result<(), Failure>>,
    },
    /// The room's key, once it has told it.
    Key {
        answer: oneshot::Sender<Option<RoomPublicKey>>,
    },
    /// Codes were compared with this member in another room.
    Verified {
        member: MemberId,
    },
    /// A comparison of short codes goes on.
    Compare {
        wish: CompareWish,
        sent: oneshot::Sender<Result<(), Failure>>,
    },
    /// The computer slept, or its network changed.
    Woke(Woken),
    /// Stay away until the next redial.
    Stop,
    /// Say goodbye and end; `done` is dropped when that is written.
    Leave {
        done: oneshot::Sender<()>,
    },
}

/// How far a room is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mark {
    /// Up to this place, included.
    UpTo(Place),
    /// From this place on it counts as unread.
    UnreadFrom(Place),
}
