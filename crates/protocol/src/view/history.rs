//! What was said in a room, as it is shown, paged through, searched and exported.

use serde::{Deserialize, Serialize};

use crate::event::{Body, Event, Proof};
use crate::ids::{RoomId, Seq};
use crate::markdown::Rich;
use crate::text::RoomName;

/// A place in this computer's timeline of a room: ordered by log, then by position in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Place {
    /// Which of the room's logs, counted from 1 as this computer came to know them.
    pub log: u32,
    /// The position in that log.
    pub seq: Seq,
}

/// One thing in the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "item", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all items are events, so boxes would save nothing"
)]
pub enum Item {
    /// An event of the log.
    Event {
        /// See [`Place::log`].
        log: u32,
        /// The event.
        event: Event,
        /// Who vouches for it.
        proof: Proof,
        /// What it says as a tree, where it is more than plain text.
        rich: Option<Rich>,
    },
    /// The room's log began anew here: what stands above is kept by members only.
    Reset {
        /// The new log.
        log: u32,
    },
    /// Events that the relay no longer had, or that could not be read, are missing here.
    Gap {
        /// The log.
        log: u32,
        /// The position after the gap.
        before: Seq,
    },
}

impl Item {
    /// Its place, if it is an event.
    pub fn place(&self) -> Option<Place> {
        match self {
            Item::Event { log, event, .. } => Some(Place {
                log: *log,
                seq: event.seq,
            }),
            Item::Reset { .. } | Item::Gap { .. } => None,
        }
    }
}

/// What to read of a room's timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum PageAt {
    /// What comes before a place, with the break between the two, if there is one.
    Before {
        /// The place, not included.
        place: Place,
    },
    /// What comes after a place, with the break between the two, if there is one.
    After {
        /// The place, not included.
        place: Place,
    },
    /// A place with what comes before and after it. It need not exist any more.
    Around {
        /// The place.
        place: Place,
    },
    /// The end.
    Latest,
}

/// A part of a room's timeline; at most [`crate::limits::WINDOW_PAGE`] events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Page {
    /// In the room's order.
    pub items: Vec<Item>,
    /// Whether this computer has more before it.
    pub older: bool,
    /// Whether this computer has more after it.
    pub newer: bool,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Hits {
    /// Newest first; at most [`crate::limits::SEARCH_HITS`].
    pub hits: Vec<Hit>,
    /// Give this to the next search for older hits; none when there are no more.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub next: Option<i64>,
}

/// A message that holds what was searched for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Hit {
    /// In which room.
    pub room: RoomId,
    /// The room's name.
    pub room_name: RoomName,
    /// See [`Place::log`].
    pub log: u32,
    /// The message.
    pub event: Event,
    /// Who vouches for it.
    pub proof: Proof,
}

/// How a room is written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// One JSON object a line, as events stand in PROTOCOL.md: for programs.
    JsonLines,
    /// A page that any browser shows: for people.
    Html,
}

/// The tree of what a body says.
pub fn rich_of(body: &Body) -> Option<Rich> {
    match body {
        Body::Message { text, .. } | Body::Edited { text, .. } => {
            crate::markdown::rich(text.as_str())
        }
        Body::Deleted { .. }
        | Body::Reacted { .. }
        | Body::Joined { .. }
        | Body::Left { .. }
        | Body::Renamed { .. }
        | Body::Settings { .. }
        | Body::Moderated { .. }
        | Body::Role { .. }
        | Body::Unknown => None,
    }
}
