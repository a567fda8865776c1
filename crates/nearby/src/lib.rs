//! Discovery: which networks this computer is in, which rooms are called out in them, and how one's own are called out.
//!
//! Whatever is heard is a hint; who dials it asks for the proof. Nothing is opened and nothing is sent before somebody
//! wants to look or to call out.

#![forbid(unsafe_code)]

pub mod addresses;
mod announcer;
mod budget;
pub mod doctor;
mod hearing;
mod mdns;
pub mod networks;
mod pongs;
mod rank;
mod seeker;
mod service;
mod sockets;
mod task;

pub use self::rank::rank;
pub use self::service::{Config, Echo, Echoes, Mdns, Nearby, Reach, Ways};

use chatspot_protocol::address::Address;
use chatspot_protocol::ids::RoomId;
use chatspot_protocol::view::Way;
use chatspot_protocol::wire::RoomSummary;

/// A room that is hosted here, to be called out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// What everybody may know of it. A hidden one is never called out.
    pub room: RoomSummary,
    /// The relay's TCP port.
    pub port: u16,
}

/// Something that was heard. A hint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// A room is called out.
    Here {
        /// What is said of it.
        room: RoomSummary,
        /// Where it is said to be, as it came: with zones where they are needed.
        addresses: Vec<Address>,
        /// How it was heard: [`Way::Mdns`], [`Way::Multicast`], [`Way::Broadcast`] or [`Way::Answer`].
        by: Way,
    },
    /// A room is not called out any more.
    Gone {
        /// Which.
        room: RoomId,
        /// Where it was said to be; what others say of it is not touched.
        addresses: Vec<Address>,
        /// How it was heard.
        by: Way,
    },
    /// This computer is in other networks than before.
    Networks,
}

/// How much is done to find rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Effort {
    /// Nothing: no socket is open for it.
    #[default]
    Off,
    /// What is called out is heard, and nothing is asked.
    Listen,
    /// The network is asked, at first quickly and then now and then.
    Search,
}
