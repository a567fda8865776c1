//! What is asked of the store and what it answers, as data.

use chatspot_protocol::address::Address;
use chatspot_protocol::identity::Identity;
use chatspot_protocol::ids::{RoomId, Token, WallMillis};
use chatspot_protocol::session::Resume;
use chatspot_protocol::text::{DisplayName, RoomName};
use chatspot_protocol::view::{Item, Keeping, Place, Recent, Recovery, Verified};

/// What was there at the start.
pub struct Start {
    /// Who this installation is.
    pub identity: Identity,
    /// Where its secret half is kept.
    pub kept: Keeping,
    /// Its name; none before one was chosen.
    pub name: Option<DisplayName>,
    /// See [`super::Store::recents`].
    pub recents: Vec<Recent>,
    /// See [`super::Store::set_prefs`].
    pub prefs: String,
    /// Set when the history was damaged.
    pub recovered: Option<Recovery>,
}

impl Start {
    /// Of somebody with nothing on any disk.
    pub fn of(identity: Identity) -> Self {
        Self {
            identity,
            kept: Keeping::File,
            name: None,
            recents: Vec::new(),
            prefs: String::new(),
            recovered: None,
        }
    }
}

/// A room that is marked as open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRoom {
    /// Which.
    pub room: RoomId,
    /// Its name.
    pub name: RoomName,
    /// Where it may be, best first.
    pub addresses: Vec<Address>,
}

/// How a room is opened.
#[derive(Debug, Clone)]
pub struct Opening {
    /// Its name, as far as known.
    pub name: RoomName,
    /// Where it may be, best first.
    pub addresses: Vec<Address>,
    /// How that is known.
    pub learnt: Learnt,
    /// When it was joined. None when it is not joined now, but opened again: a room that was never joined is not among
    /// the recent ones.
    pub joined_at: Option<WallMillis>,
    /// An invite to come in by; one that is kept already stays where none is given.
    pub token: Option<Token>,
    /// By what the room is known for the right one now. What was kept stays where it is better.
    pub verified: Verified,
}

/// What a room goes on with.
#[derive(Debug, Clone)]
pub struct Kept {
    /// For the session.
    pub resume: Resume,
    /// The end of the timeline; at most [`chatspot_protocol::limits::VIEW_ITEMS`] events.
    pub items: Vec<Item>,
    /// Whether there is more before them.
    pub older: bool,
    /// How far it was read.
    pub read: Option<Place>,
    /// How many messages of others come after that.
    pub unread: u32,
    /// What is typed and not sent.
    pub draft: String,
    /// The invite that it is to be entered by.
    pub token: Option<Token>,
}

/// A room that was joined before, as far as somebody who finds one at the same address has to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acquaintance {
    /// Which.
    pub room: RoomId,
    /// Its name.
    pub name: RoomName,
    /// Where it was once.
    pub addresses: Vec<Address>,
}

/// What became of what was to be kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Saved {
    /// New at the end of the timeline.
    pub items: Vec<Item>,
    /// How many of them are messages of others.
    pub others: u32,
    /// Set when history was deleted: what is left of the end, `items` included.
    pub cut: Option<Cut>,
}

/// What is left of the end of a room's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// They.
    pub items: Vec<Item>,
    /// Whether there is more before them.
    pub older: bool,
}

/// What becomes of the history of a room that is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// It stays.
    Keep,
    /// It is deleted, with everything else of the room.
    Delete,
}

/// How an address came to be known for a room's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Learnt {
    /// Somebody typed it, or it stood in a link that somebody opened.
    Named,
    /// The room was found there.
    Sighted,
    /// The room is hosted by this installation: there is one such address, and it is nobody else's.
    Hosted,
}

/// An address of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownAddress {
    /// It.
    pub address: Address,
    /// When the room proved itself there last.
    pub worked: Option<WallMillis>,
    /// How it is known.
    pub learnt: Learnt,
}

/// A room that was joined before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// Which.
    pub room: RoomId,
    /// Its name.
    pub name: RoomName,
    /// Where it may be, best first; at most [`chatspot_protocol::limits::NEARBY_ADDRESSES`].
    pub addresses: Vec<Address>,
    /// Those of them at which it proved itself, in the same order.
    pub worked: Vec<Address>,
    /// When it was joined last.
    pub joined_at: WallMillis,
}
