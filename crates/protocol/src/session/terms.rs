//! What a session is given, and what it wants done.

use crate::event::{Event, RoomSettings};
use crate::identity::Identity;
use crate::ids::{ClientId, Exporter, MemberId, RoomId, TlsKey, Token};
use crate::passcode::Passcode;
use crate::text::{DisplayName, RoomName};
use crate::timeline::{Cursor, Told};
use crate::view::{Pending, RoomChange, Verified};
use crate::wire::{Back, ClientFrame, Introduced};

/// What the driver has to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Open a connection; answer with [`super::Session::opened`] or [`super::Session::dial_failed`].
    Dial,
    /// Send a frame.
    Transmit(ClientFrame),
    /// Send a WebSocket ping.
    Ping,
    /// Close the connection and forget it; [`super::Session::closed`] is not expected.
    Hangup(u16),
    /// Write this down. Everything of one input is one transaction, done before anything else of it; then
    /// [`super::Session::kept`] or [`super::Session::not_kept`].
    Keep(Keep),
    /// Tell the window.
    Change(RoomChange),
    /// A member tells of rooms, in the place of what it told of before. Hints: each is looked at before it is shown.
    Introduced {
        /// Who.
        member: MemberId,
        /// By which name the member is known here.
        by: DisplayName,
        /// They, each with some addresses in their usual spelling; none when the member takes them back, is gone or
        /// muted, or the connection ended.
        rooms: Vec<Introduced>,
    },
    /// A member asks to be dialled back; answer with [`super::Session::dialled_back`].
    DialBack {
        /// Who.
        member: MemberId,
        /// The room that is to be there.
        room: RoomId,
        /// Where, as the relay says.
        address: String,
    },
    /// The answer to [`super::Session::dial_back`], or something that nobody asked for.
    DialledBack {
        /// Who tried.
        member: MemberId,
        /// For which room.
        room: RoomId,
        /// Where it was tried, in its usual spelling; none where it was not.
        address: Option<String>,
        /// What came of it.
        outcome: Back,
    },
    /// The room was left; nothing more comes.
    Left,
}

/// What has to be on the disk before the window is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// Events, together with the cursor behind them. The window is shown what is new in them.
    Events {
        /// How far the client is with them.
        cursor: Cursor,
        /// They, in order, with what vouches for each. Own ones among them leave the outbox, if they are proven to be
        /// own ones.
        events: Vec<Told>,
        /// Whether they stand at the end of the timeline; else they are older than all that is here.
        tail: bool,
    },
    /// An own message's state, and its place behind all others that wait.
    Pending {
        /// The message.
        pending: Pending,
    },
    /// An own message that is not waited for any more.
    Gone {
        /// Which.
        id: ClientId,
    },
    /// The room's rules: what they want deleted is to be deleted.
    Settings {
        /// They.
        settings: RoomSettings,
    },
    /// The room's name.
    Name {
        /// The name now.
        name: RoomName,
    },
    /// How sure it is that this is the right room.
    Trust {
        /// It now.
        trust: Trust,
    },
    /// Codes were compared with this member, in whatever room it is.
    Verified {
        /// Whom.
        member: MemberId,
    },
    /// We are in: the invite that we came by is of no more use.
    TokenUsed,
}

/// What is known of a room before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trust {
    /// The highest term of a warrant that was seen; 0: none yet. Lower ones are refused.
    pub term: u64,
    /// By what it is known for the right one.
    pub verified: Verified,
}

impl Default for Trust {
    fn default() -> Self {
        Self {
            term: 0,
            verified: Verified::No,
        }
    }
}

/// One open connection, as this side's TLS knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What both ends derive from it.
    pub exporter: Exporter,
    /// The key that the other end proved.
    pub key: TlsKey,
    /// The name that was dialled, in lower case, if the web's authorities vouch for the other end to have it.
    pub domain: Option<String>,
}

/// Who talks, and how they come in.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Which room. Its key follows when it answers, and has to fit.
    pub room: RoomId,
    /// Who.
    pub identity: Identity,
    /// By which name.
    pub name: DisplayName,
    /// Name and version of the client.
    pub software: String,
    /// An invite's secret, if there is one.
    pub token: Option<Token>,
    /// The room's passcode, if somebody typed it already.
    pub passcode: Option<Passcode>,
}

/// What a session goes on with after a restart.
#[derive(Debug, Clone, Default)]
pub struct Resume {
    /// The room's name when it was last here: another room of this name in its place is no coincidence.
    pub name: Option<RoomName>,
    /// How far it was.
    pub cursor: Option<Cursor>,
    /// The event before the cursor, if it is here.
    pub last: Option<Event>,
    /// Own messages on their way, in the order of writing.
    pub outbox: Vec<Pending>,
    /// The room's rules, if they are known.
    pub settings: Option<RoomSettings>,
    /// How sure it is that this is the right room.
    pub trust: Trust,
    /// With whom codes were compared, in whatever room.
    pub verified: Vec<MemberId>,
}

/// There is no connection to do that over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not connected")]
pub struct NotConnected;
