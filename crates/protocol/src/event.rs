//! One entry of a room's log. The log is all that a room remembers; everything else is presence.

use serde::{Deserialize, Serialize};

use crate::ids::{ClientId, MemberId, Seq, WallMillis};
use crate::text::{DisplayName, MessageText};

/// An entry of the log, as the relay committed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Event {
    /// Its place in the room's order.
    pub seq: Seq,
    /// The relay's clock when it was committed. A label, never an order.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub at: WallMillis,
    /// Whose it is.
    pub author: MemberId,
    /// The author's name at that time, so that an old page needs no other to be read.
    pub name: DisplayName,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
}

impl Event {
    /// How many bytes of text it holds.
    pub(crate) fn text_bytes(&self) -> usize {
        match &self.body {
            Body::Message { text, .. } => text.as_str().len(),
            Body::Joined | Body::Left { .. } | Body::Renamed { .. } | Body::Unknown => 0,
        }
    }
}

/// What an event says happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// The author said something.
    Message {
        /// The author's id for it: sending the same id again never makes a second event.
        id: ClientId,
        /// What was said.
        text: MessageText,
    },
    /// The author came into the room.
    Joined,
    /// The author left the room.
    Left {
        /// How.
        how: Leaving,
    },
    /// The author took another name.
    Renamed {
        /// The name before.
        from: DisplayName,
    },
    /// A kind that a later version knows. It keeps its place in the order and is shown as not understood.
    #[serde(other)]
    Unknown,
}

/// How somebody left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    /// Said goodbye.
    Left,
    /// The connection broke and did not come back in time.
    Lost,
}

/// An event before the log gave it its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// See [`Event::at`].
    pub at: WallMillis,
    /// See [`Event::author`].
    pub author: MemberId,
    /// See [`Event::name`].
    pub name: DisplayName,
    /// See [`Event::body`].
    pub body: Body,
}

impl Draft {
    /// The event that this draft becomes at `seq`.
    pub fn at_seq(self, seq: Seq) -> Event {
        Event {
            seq,
            at: self.at,
            author: self.author,
            name: self.name,
            body: self.body,
        }
    }
}
