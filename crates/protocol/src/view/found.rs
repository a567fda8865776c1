//! What answers at an address, and what a link asks for.

use serde::{Deserialize, Serialize};

use crate::ids::RoomId;
use crate::text::RoomName;

/// What answers at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Found {
    /// The address as it was understood, `host:port`.
    pub address: String,
    /// Its rooms. Those that could not prove their key are left out.
    pub rooms: Vec<FoundRoom>,
}

/// A room that answers at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct FoundRoom {
    /// What it says of itself.
    #[serde(flatten)]
    pub summary: crate::wire::RoomSummary,
    /// Its key, for people to compare.
    pub fingerprint: String,
    /// What this computer knows of it.
    pub known: Known,
}

/// What this computer knows of a room that answers at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "known", rename_all = "snake_case")]
pub enum Known {
    /// Nothing.
    New,
    /// It was joined before.
    Joined,
    /// A room of that name was joined at this address before, and had another key: it must not be joined in its place.
    /// The one known before has to be forgotten first.
    KeyChanged {
        /// The room known before.
        room: RoomId,
        /// Its key, for people to compare.
        fingerprint: String,
    },
}

/// What a link or a pasted text asks for. Nothing is done before somebody says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LinkQuestion {
    /// The link as it came, to give back with the answer.
    pub link: String,
    /// Which room it leads to.
    pub room: RoomId,
    /// What the link calls it.
    pub name: Option<RoomName>,
    /// The room's key, for people to compare.
    pub fingerprint: String,
    /// Where it leads, best first.
    pub addresses: Vec<String>,
    /// Whether it brings an invite.
    pub invite: bool,
    /// Whether the room was joined before.
    pub known: bool,
}
