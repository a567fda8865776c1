//! Rooms nearby, as the window shows them, and what is handed out to invite others.

use serde::{Deserialize, Serialize};

use crate::ids::{RoomId, WallMillis};
use crate::text::DisplayName;
use crate::view::Known;
use crate::wire::RoomSummary;

/// Rooms nearby.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Nearby {
    /// Whether anything is looked for.
    pub search: Search,
    /// At most [`crate::limits::NEARBY_ROOMS`]: those that are here first, then by name.
    pub rooms: Vec<NearbyRoom>,
    /// A scan of the own network, while one runs, and how the last one ended.
    pub scan: Option<Scan>,
}

/// Whether rooms are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// The person at the window turned it off: nothing is sent and nobody is listened to.
    #[default]
    Off,
    /// The list is in view, and the network is asked.
    Searching,
    /// What others call out is heard, and nothing is asked.
    Listening,
    /// This computer is in no network.
    NoNetwork,
}

/// A room that something says is near.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct NearbyRoom {
    /// What it says of itself, or what others say of it, as [`NearbyRoom::proof`] tells.
    #[serde(flatten)]
    pub summary: RoomSummary,
    /// Its key, for people to compare.
    pub fingerprint: String,
    /// What this computer knows of it.
    pub known: Known,
    /// Whether it is hosted by this installation.
    pub hosted: bool,
    /// Where it may be, best first; at most [`crate::limits::NEARBY_ADDRESSES`].
    pub addresses: Vec<String>,
    /// How it was found, the first way first.
    pub ways: Vec<Way>,
    /// Whether it is the room that it says it is.
    pub proof: RoomProof,
    /// Whether it is there.
    pub life: Life,
    /// The last sign of life, by this computer's clock.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub heard_at: WallMillis,
}

/// How a room was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "way", rename_all = "snake_case")]
pub enum Way {
    /// It is hosted here.
    Hosted,
    /// mDNS and DNS-SD.
    Mdns,
    /// A datagram to a group.
    Multicast,
    /// A datagram to all of the network.
    Broadcast,
    /// A datagram to this computer, in answer to its question.
    Answer,
    /// It answers where it was joined before.
    Remembered,
    /// Somebody in a room that one is in told of it.
    Introduced {
        /// By which name.
        by: DisplayName,
    },
    /// The scan found it.
    Scanned,
}

/// Whether a room is the one that it says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RoomProof {
    /// Not asked yet.
    Unchecked,
    /// Whoever is there has the room's key.
    Proven,
}

/// Whether a room is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "life", rename_all = "snake_case")]
pub enum Life {
    /// It was heard of a moment ago.
    Here,
    /// It is not, and leaves the list soon, or never was; a room that was joined before stays.
    Away {
        /// Why.
        why: Vanished,
        /// Since when, by this computer's clock.
        #[cfg_attr(feature = "ts", ts(type = "number"))]
        since: WallMillis,
    },
}

/// Why a room is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Vanished {
    /// Its host closed it.
    Closed,
    /// Nothing was heard of it for a while.
    Silent,
    /// Something says that it is near, and nobody answers at its addresses.
    Unreachable,
    /// What answers at its addresses has not the room's key.
    NotItself,
    /// It answers, and hosts this room no longer.
    Moved,
    /// This computer left the network in which it was.
    OtherNetwork,
    /// Not found since the app started.
    NotSeen,
}

/// A scan of the own network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Scan {
    /// Addresses that were tried.
    pub tried: u32,
    /// Addresses in all.
    pub of: u32,
    /// Whether it is over.
    pub done: bool,
    /// Relays that answered.
    pub found: u32,
}

/// What to hand out so that others come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Handout {
    /// The link.
    pub link: String,
    /// The same to be read by people and pasted by them: see [`crate::invite::InviteLink::to_text`].
    pub text: String,
    /// The link as a QR code (ISO/IEC 18004).
    pub qr: Qr,
    /// Where it leads, best first.
    pub addresses: Vec<String>,
}

/// A QR code, without its quiet zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Qr {
    /// Modules along each side.
    pub size: u32,
    /// `size` rows of `size` letters, `1` for a dark module.
    pub rows: Vec<String>,
}

/// How a QR code is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum PictureFormat {
    /// For messengers and documents.
    Png,
    /// For printers.
    Svg,
}

/// What the person at the window wants of discovery, kept over restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Discovery {
    /// Look for rooms, and tell the rooms that one is in of others.
    On,
    /// Neither. Rooms that are hosted here are called out all the same, unless they are hidden.
    Off,
}

impl NearbyRoom {
    /// Which room it is.
    pub fn room(&self) -> RoomId {
        self.summary.room
    }
}
