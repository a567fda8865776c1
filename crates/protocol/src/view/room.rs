//! One open room.

use serde::{Deserialize, Serialize};

#[cfg(doc)]
use super::Trouble;
use super::{Hosting, Item, LinkState, Place};
use crate::door::DoorView;
use crate::event::{Role, RoomSettings, Submission};
use crate::ids::{ClientId, MemberId, RoomId, WallMillis};
#[cfg(doc)]
use crate::limits::VIEW_ITEMS;
use crate::markdown::Rich;
use crate::text::{DisplayName, RoomName};
use crate::wire::Presence;

/// One open room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RoomView {
    /// Which.
    pub room: RoomId,
    /// Its name.
    pub name: RoomName,
    /// The address that it was joined by, as `host:port`.
    pub address: String,
    /// Set when this installation hosts it.
    pub hosting: Option<Hosting>,
    /// How the connection is.
    pub link: LinkState,
    /// The room's rules, once they are known.
    pub settings: Option<RoomSettings>,
    /// Who is present.
    pub members: Vec<MemberView>,
    /// The end of the timeline, in the room's order; at most [`VIEW_ITEMS`].
    pub items: Vec<Item>,
    /// Whether this computer has more before `items`.
    pub older: bool,
    /// Whether older history is still coming from the relay.
    pub filling: bool,
    /// The last position that was seen by the person at the window. None before anything was.
    pub read: Option<Place>,
    /// How many messages of others come after `read`; at most [`crate::limits::UNREAD_COUNTED`].
    pub unread: u32,
    /// What is typed and not sent, as it was when the room was opened here.
    pub draft: String,
    /// Own messages that the relay has not committed yet, in the order of writing.
    pub outbox: Vec<Pending>,
    /// Who is typing, oneself left out.
    pub typing: Vec<MemberId>,
    /// How sure it is that this is the right room.
    pub security: Security,
    /// The door, for the owner and moderators while they are in the room.
    pub door: Option<DoorView>,
    /// A comparison of short codes that is going on.
    pub compare: Option<Comparison>,
    /// While the room or the relay wants a pause of us: until when, by this computer's clock.
    #[cfg_attr(feature = "ts", ts(type = "number | null"))]
    pub slow_until: Option<WallMillis>,
}

/// How sure it is that a room is the right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Security {
    /// The room's key, for people to compare.
    pub fingerprint: String,
    /// By what it is known for the right one, best first.
    pub verified: Verified,
    /// The key of what answered in its place, with [`Trouble::KeyChanged`].
    pub offered: Option<String>,
}

/// By what a room is known for the one that somebody meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Verified {
    /// By nothing: it was the one that answered at the address. It has been the same one since.
    No,
    /// It knew the passcode.
    Passcode,
    /// The invite named its key.
    Invite,
    /// Two people compared codes.
    Compared,
    /// It is hosted here.
    Hosted,
}

/// A comparison of short codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Comparison {
    /// With whom.
    pub member: MemberId,
    /// By which name.
    pub name: DisplayName,
    /// How far it is.
    pub stage: CompareStage,
}

/// How far a comparison is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum CompareStage {
    /// They ask us.
    Asked,
    /// We asked them, or wait for their last step.
    Waiting,
    /// Both screens show this.
    Codes {
        /// Six of [`crate::compare::EMOJI`], with their names.
        emoji: Vec<CodeEmoji>,
        /// The same as nine digits, in groups of three.
        digits: String,
    },
    /// They match: the person at this window said so.
    Matched,
    /// They, or the connection, stopped it.
    Stopped,
    /// The steps do not fit each other: somebody stands between.
    Broken,
}

/// One picture of a short code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CodeEmoji {
    /// The picture.
    pub emoji: String,
    /// Its name in English.
    pub name: String,
}

/// Somebody who is present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct MemberView {
    /// Who.
    pub member: MemberId,
    /// By which name.
    pub name: DisplayName,
    /// The short key tag.
    pub tag: String,
    /// Whether the room is on this member's computer.
    pub host: bool,
    /// What it may do.
    pub role: Role,
    /// Whether it may only read.
    pub muted: bool,
    /// Whether the person at this computer compared codes with it.
    pub verified: bool,
    /// Somebody else in the room whose name looks the same, and who was known by it first.
    pub looks_like: Option<MemberId>,
    /// How it is here. Never [`Presence::Gone`].
    pub presence: Presence,
}

/// An own message on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Pending {
    /// Its identity; the event that commits it bears the same. The submission's, for short.
    pub id: ClientId,
    /// What it says.
    pub submission: Submission,
    /// When it was written, by this computer's clock.
    #[cfg_attr(feature = "ts", ts(type = "number"))]
    pub at: WallMillis,
    /// How far it is.
    pub state: PendingState,
    /// What it says as a tree, where it is more than plain text.
    #[serde(default)]
    pub rich: Option<Rich>,
}

/// How far an own message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PendingState {
    /// Waits for a connection, or for the ones before it.
    Queued,
    /// Handed to the connection.
    Sending,
    /// The relay refused it.
    Failed {
        /// Why.
        code: crate::wire::Reject,
        /// Whether sending it again can help.
        retry: bool,
    },
}

impl RoomView {
    /// A room before its first connection.
    pub fn opening(
        room: RoomId,
        name: RoomName,
        address: String,
        hosting: Option<Hosting>,
    ) -> Self {
        Self {
            room,
            name,
            address,
            hosting,
            link: LinkState::Connecting,
            settings: None,
            members: Vec::new(),
            items: Vec::new(),
            older: false,
            filling: false,
            read: None,
            unread: 0,
            draft: String::new(),
            outbox: Vec::new(),
            typing: Vec::new(),
            security: Security {
                fingerprint: room.fingerprint(),
                verified: Verified::No,
                offered: None,
            },
            door: None,
            compare: None,
            slow_until: None,
        }
    }
}
